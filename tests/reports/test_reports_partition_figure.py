"""The map of a partition for print."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from graticule.errors import MissingPackageError, PartitionError, UsageError
from graticule.partitions import Partition, build_s2
from graticule.partitions.boxes.kd import build_kd
from graticule.reports.partition_figure import check_figure_path, write_partition_figure

PLACES = np.random.default_rng(1).uniform([-60, -179], [75, 179], (400, 2))


@pytest.fixture(scope="module")
def partition() -> Partition:
    return build_kd(PLACES, max_photos=40)


@pytest.fixture(autouse=True)
def _drawing() -> None:
    pytest.importorskip("cartopy")
    pytest.importorskip("matplotlib")


def test_every_kind_of_picture(partition: Partition, tmp_path: Path) -> None:
    for ending, start in [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".PDF", b"%PDF")]:
        path = write_partition_figure(tmp_path / f"new/cells{ending}", partition, title="Cells of towns")
        assert path.read_bytes().startswith(start)
    assert "Cells of towns" in (tmp_path / "new" / "cells.svg").read_text(encoding="utf-8")


def test_the_whole_map_is_drawn_where_cells_cover_the_earth(partition: Partition, tmp_path: Path) -> None:
    covered = pixels(write_partition_figure(tmp_path / "kd.png", partition, title=""))
    few = build_s2([[48.86, 2.35]] * 5, max_photos=5, min_photos=1, start_level=4)
    bare = pixels(write_partition_figure(tmp_path / "s2.png", few, title=""))
    height, width, _ = covered.shape
    # inside the map, well away from its rim: the South Pacific and near the antimeridian
    for y, x in [(0.6, 0.12), (0.5, 0.94), (0.8, 0.5), (0.18, 0.5), (0.86, 0.3)]:
        at = int(y * height), int(x * width)
        assert saturation(covered[at]) > 0.2, (y, x)
        assert saturation(bare[at]) < 0.1, (y, x)


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def saturation(colour: np.ndarray) -> float:
    return float((colour.max() - colour.min().astype(float)) / max(int(colour.max()), 1))


def test_more_photos_are_another_colour(tmp_path: Path) -> None:
    south, north = [[-45, 0]] * 5, [[45, 0]] * 500
    partition = build_kd(south + north, cells=2)
    image = pixels(write_partition_figure(tmp_path / "two.png", partition, title=""))
    height, width, _ = image.shape
    upper, lower = image[int(0.3 * height), int(0.2 * width)], image[int(0.75 * height), int(0.25 * width)]
    assert int(upper[0]) > int(lower[0]) + 100  # yellow, not violet


@pytest.mark.parametrize("name", ["cells.jpg", "cells", "cells.pgn"])
def test_names_of_no_picture(partition: Partition, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"does not end in .png, .svg or .pdf.\nType:  --figure .*cells.png"):
        write_partition_figure(tmp_path / name, partition, title="")


def test_what_cannot_be_written(partition: Partition, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PartitionError, match="Cannot write the figure"):
        write_partition_figure(tmp_path / "file" / "cells.png", partition, title="")


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "cartopy", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'graticule\[report\]'"):
        check_figure_path(tmp_path / "cells.png")
