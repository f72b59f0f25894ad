"""One look at each photo: sizes, fingerprints, places and damage, in order, several at a time."""

from __future__ import annotations

import hashlib
import threading

import pytest

from graticule.photos.inspection import inspect, inspect_all


@pytest.fixture
def files(tmp_path, photo, gps):
    paths = []
    for number in range(300):
        path = tmp_path / f"{number}.jpg"
        path.write_bytes(photo(size=(8 + number % 7, 8)) if number % 50 else b"broken")
        paths.append(str(path))
    return paths


def test_a_whole_photo(tmp_path, photo, gps):
    data = photo(gps((48.0, 30.0, 0.0), (11.0, 0.0, 0.0)), size=(30, 20), orientation=8)
    (tmp_path / "a.jpg").write_bytes(data)
    found = inspect(tmp_path / "a.jpg", read_place=True)
    assert (found.width_px, found.height_px, found.error) == (20, 30, None)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.position is not None
    assert found.position.latitude == 48.5


def test_damage_is_told_not_raised_and_found_only_when_pixels_are_checked(tmp_path, photo):
    (tmp_path / "a.jpg").write_bytes(photo(size=(300, 200))[:-100])
    error = inspect(tmp_path / "a.jpg").error
    assert error is not None
    assert error.reason == "truncated"
    assert str(tmp_path / "a.jpg") in str(error)
    header = inspect(tmp_path / "a.jpg", check_pixels=False)
    assert (header.error, header.width_px, header.sha256) == (None, 300, None)


@pytest.mark.parametrize("workers", [1, 4, None])
def test_the_order_is_that_of_the_files(files, workers):
    seen = list(inspect_all(files, check_pixels=True, read_place=False, workers=workers))
    assert [each.width_px for each in seen] == [8 + n % 7 if n % 50 else None for n in range(300)]
    assert [n for n, each in enumerate(seen) if each.error] == list(range(0, 300, 50))


def test_progress_comes_from_the_callers_own_thread(files):
    threads = set()
    done = []

    def on_progress(count: int, total: int) -> None:
        threads.add(threading.get_ident())
        done.append((count, total))

    list(inspect_all(files, check_pixels=False, read_place=False, workers=4, on_progress=on_progress))
    assert threads == {threading.get_ident()}
    assert done[-1] == (300, 300)
    assert len(done) == 300
