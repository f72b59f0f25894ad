"""Collecting from Flickr's API, played by a local server in its documented shapes."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from graticule.errors import CollectionError, PhotoError, UsageError
from graticule.photos.collecting import CollectReport, CollectSettings, Manners, collect
from graticule.photos.collecting.candidates import Wishes
from graticule.photos.collecting.flickr import FlickrClient
from graticule.photos.collecting.journal import Journal
from graticule.photos.collecting.licences import FREE, read_licences
from graticule.photos.collecting.searching import search_term, term_searches
from graticule.photos.collecting.session import PoliteSession
from graticule.photos.collecting.terms import Term
from graticule.photos.table import read_photo_table
from photo_service import FLICKR_KEY, Service, picture, service

__all__ = ["service"]  # a fixture, used by its name

FAST = Manners(api_per_second=1000, photos_per_second=1000, first_wait_s=0.01, timeout_s=5)


def gather(service: Service, folder: Path, **words: Any) -> CollectReport:
    terms = folder.parent / "terms.txt"
    terms.write_text("mountain\nlake  # a remark\n", encoding="utf-8")
    settings = {"terms": (str(terms),), "api_url": service.flickr_url} | words
    return collect("flickr", folder, CollectSettings(**settings), manners=FAST)


def test_photos_become_a_table_with_author_licence_and_page(service: Service, tmp_path: Path) -> None:
    service.add_photo(1, license="4", title="Above the lake", tags="mountain snow")
    service.add_photo(2, license="9", datetakenunknown="1")
    service.add_photo(3, tags="mountain", url_l=None, url_c=f"{service.url}/files/3.jpg")
    report = gather(service, tmp_path / "out")
    table = read_photo_table(tmp_path / "out")
    assert table["photo_id"].sort().to_list() == ["flickr-1", "flickr-2", "flickr-3"]
    row = table.filter(photo_id="flickr-1").row(0, named=True)
    assert (row["latitude"], row["longitude"], row["country"]) == (46.001, 7.001, "CH")
    assert (row["group"], row["author"], row["author_name"]) == ("1@N00", "1@N00", "name 1")
    assert (row["licence"], row["source"]) == ("CC-BY-2.0", "flickr")
    assert row["licence_url"] == "https://creativecommons.org/licenses/by/2.0/"
    assert row["page"] == "https://www.flickr.com/photos/1@N00/1"
    assert (row["taken_at"], row["title"], row["tags"]) == (
        "2011-05-04 10:11:12",
        "Above the lake",
        "mountain snow",
    )
    assert (row["width"], row["height"], row["accuracy"]) == (320, 240, 16)
    assert table.filter(photo_id="flickr-2")["taken_at"].item() is None
    assert table.filter(photo_id="flickr-2")["licence"].item() == "CC0-1.0"
    assert all((tmp_path / "out" / path).read_bytes()[:2] == b"\xff\xd8" for path in table["path"])
    assert (report.kept, report.found, report.found_again) == (3, 3, 1)  # one has both words
    assert report.licences == {"CC-BY-2.0": 2, "CC0-1.0": 1}
    assert json.loads((tmp_path / "out" / "collect.json").read_text()) == report.to_dict()
    assert report.is_complete


def test_what_is_not_wanted_is_counted_by_reason_and_not_fetched(service: Service, tmp_path: Path) -> None:
    service.add_photo(1)
    service.add_photo(2, license="0")  # the server is asked for free ones only
    service.add_photo(3, accuracy="11")
    service.add_photo(4, latitude=0, longitude=0, accuracy=0)
    service.add_photo(5, context=1)
    service.add_photo(6, url_l=None)
    service.add_photo(7, latitude="91.5")
    service.add_photo(8, license="7")
    report = gather(service, tmp_path / "out")
    assert report.unwanted == {
        "indoors": 1, "no-file": 1, "out-of-range": 1, "vague-position": 1, "zero-position": 1,
    }  # fmt: skip
    assert service.paths("/files/") == ["/files/1.jpg"]
    assert report.found == 6 == report.kept + sum(report.unwanted.values())


def test_wishes_may_differ_in_a_later_run(service: Service, tmp_path: Path) -> None:
    service.add_photo(1)
    service.add_photo(2, accuracy="11")
    service.add_photo(3, license="2", context=1)
    assert gather(service, tmp_path / "out").kept == 1
    wide = gather(
        service, tmp_path / "out", licences=read_licences(["cc"]), min_accuracy=11, keep_indoors=True
    )
    assert (wide.kept, wide.unwanted) == (3, {})
    assert sorted(service.paths("/files/")) == ["/files/1.jpg", "/files/2.jpg", "/files/3.jpg"]


def test_files_that_are_of_no_use_are_refused_with_their_reason(service: Service, tmp_path: Path) -> None:
    for number in range(1, 9):
        service.add_photo(number)
    service.files["/files/2.jpg"] = service.files["/files/1.jpg"]
    service.files["/files/3.jpg"] = picture(1, (400, 300), quality=60)  # the same picture, larger
    service.files["/files/4.jpg"] = service.files["/files/4.jpg"][:3000]
    service.files["/files/5.jpg"] = b"<html>sorry</html>"
    service.files["/files/6.jpg"] = picture(6, (200, 150))
    del service.files["/files/7.jpg"]
    service.files["/unavailable/photo_unavailable_l.png"] = picture(99)
    moved = {"Location": f"{service.url}/unavailable/photo_unavailable_l.png"}
    service.trouble["/files/8.jpg"] = [(302, moved, b"")]
    report = gather(service, tmp_path / "out")
    assert report.refused == {
        "gone": 2,
        "exact-duplicate": 1, "near-duplicate": 1, "not-an-image": 1, "too-small": 1, "truncated": 1,
    }  # fmt: skip
    table = read_photo_table(tmp_path / "out")
    assert table["photo_id"].to_list() == ["flickr-3"]  # the larger of the near duplicates
    files = [path for path in (tmp_path / "out" / "images").rglob("*") if path.is_file()]
    assert files == [tmp_path / "out" / table["path"].item()]


def test_a_second_run_asks_for_nothing_twice(service: Service, tmp_path: Path) -> None:
    for number in range(1, 6):
        service.add_photo(number)
    first = gather(service, tmp_path / "out")
    asked = len(service.asked)
    again = gather(service, tmp_path / "out")
    assert len(service.asked) == asked
    same = {"requests", "seconds"}
    assert {k: v for k, v in again.to_dict().items() if k not in same} == {
        k: v for k, v in first.to_dict().items() if k not in same
    }


def test_a_limit_holds_over_runs_and_can_be_raised(service: Service, tmp_path: Path) -> None:
    for number in range(1, 11):
        service.add_photo(number)
    assert gather(service, tmp_path / "out", most=4).kept == 4
    assert gather(service, tmp_path / "out", most=4).kept == 4
    assert gather(service, tmp_path / "out", most=7).kept == 7
    assert gather(service, tmp_path / "out").kept == 10
    assert len(service.paths("/files/")) == 10


def test_more_than_four_thousand_results_are_all_found(service: Service, tmp_path: Path) -> None:
    for number in range(1, 9502):  # unevenly: most in one tenth of the time
        when = 1_200_000_000 + (number * 100 if number % 10 else number * 10_000)
        service.photos.append(
            {"id": str(number), "owner": "a", "license": "4", "dateupload": when, "tags": "lake",
             "latitude": 46, "longitude": 7, "accuracy": 16, "url_l": "https://example.org/a.jpg"}
        )  # fmt: skip
    client = FlickrClient(PoliteSession(FAST), FLICKR_KEY, api_url=service.flickr_url)
    wishes = Wishes(FREE)
    with Journal(tmp_path) as journal:
        journal.add_searches(term_searches([Term("lake", "natural")], 1_000_000_000, 1_700_000_000, "4"))
        steps = 0
        while (search := journal.next_search()) is not None:
            search_term(search, client, journal, wishes)
            steps += 1
        assert journal.number("waiting") == 9501
        assert journal.found_again() == 0
        assert journal.searches()["split"] >= 2
    assert steps < 200


def test_uploads_are_searched_between_two_days(service: Service, tmp_path: Path) -> None:
    day = 1_577_836_800  # 1 January 2020
    for number, when in enumerate([day - 1, day, day + 86_399, day + 86_400], start=1):
        service.add_photo(number, dateupload=when)
    report = gather(service, tmp_path / "out", since=date(2020, 1, 1), until=date(2020, 1, 1))
    assert read_photo_table(tmp_path / "out")["photo_id"].sort().to_list() == ["flickr-2", "flickr-3"]
    assert report.kept == 2


def test_the_photo_nearest_to_each_place(service: Service, tmp_path: Path) -> None:
    service.add_photo(1, latitude=46.0, longitude=7.0)
    service.add_photo(2, latitude=46.001, longitude=7.0)
    service.add_photo(3, latitude=46.0004, longitude=7.0, accuracy=6)  # nearer, but not for certain
    pl.DataFrame({"lat": [46.0003, 46.0002, 46.0012, 50.0], "lon": [7.0, 7.0, 7.0, 7.0]}).write_parquet(
        tmp_path / "places.parquet"
    )
    report = gather(service, tmp_path / "out", terms=(), places=tmp_path / "places.parquet", within_km=1)
    assert report.places == {
        "searched": 4, "with_photo": 2, "without": {"no-photo-near": 1, "same-photo": 1}, "refused": {},
    }  # fmt: skip
    table = read_photo_table(tmp_path / "out").sort("photo_id")
    assert table.select("photo_id", "place_latitude").rows() == [("flickr-1", 46.0002), ("flickr-2", 46.0012)]
    assert table["place_km"].to_list() == pytest.approx([0.02224, 0.02224], abs=1e-4)


class TestTrouble:
    def test_busy_servers_are_asked_again_later(self, service: Service, tmp_path: Path) -> None:
        service.add_photo(1)
        busy = json.dumps({"stat": "fail", "code": 105, "message": "Service currently unavailable"}).encode()
        service.trouble["/services/rest/"] = [
            (503, {}, b""), (429, {"Retry-After": "0"}, b"slow"), (200, {}, busy), (200, {}, b"<html>"),
        ]  # fmt: skip
        service.trouble["/files/1.jpg"] = [(500, {}, b""), (429, {"Retry-After": "0"}, b"")]
        assert gather(service, tmp_path / "out").kept == 1

    def test_waits_are_doubled_and_last_as_long_as_the_server_says(self, service: Service) -> None:
        slept: list[float] = []
        session = PoliteSession(
            Manners(1000, 1000, first_wait_s=1.0), sleep=slept.append, clock=lambda: 1e9 + 10 * len(slept)
        )
        service.files["/files/a"] = b"here"
        service.trouble["/files/a"] = [(503, {}, b"")] * 3 + [(429, {"Retry-After": "40"}, b"")]
        assert session.fetch(f"{service.url}/files/a") == b"here"
        for wait, least in zip(slept, [1, 2, 4, 40], strict=True):
            assert least <= wait <= 1.25 * least
        assert session.waited_s == pytest.approx(sum(slept))

    def test_requests_keep_their_pace(self, service: Service) -> None:
        now, slept = [100.0], []

        def sleep(pause_s: float) -> None:
            slept.append(pause_s)
            now[0] += pause_s

        session = PoliteSession(Manners(1.0, 4.0), sleep=sleep, clock=lambda: now[0])
        service.files["/files/a"] = b"here"
        for _ in range(3):
            session.fetch(f"{service.url}/files/a")
        assert slept == pytest.approx([0.25, 0.25])

    def test_who_asks_for_hours_is_left_alone(self, service: Service, tmp_path: Path) -> None:
        service.add_photo(1)
        service.trouble["/services/rest/"] = [(429, {"Retry-After": "7200"}, b"")]
        with pytest.raises(
            CollectionError, match=r"asks to wait 120 minutes\.\nRun the same line again after"
        ):
            gather(service, tmp_path / "out")
        assert read_photo_table(tmp_path / "out").is_empty()  # written all the same
        assert gather(service, tmp_path / "out").kept == 1

    def test_a_server_that_stays_down_ends_the_run_and_nothing_is_lost(
        self, service: Service, tmp_path: Path
    ) -> None:
        for number in range(1, 8):
            service.add_photo(number)
        for number in (3, 5):
            service.trouble[f"/files/{number}.jpg"] = [(503, {}, b"")] * 6
        report = gather(service, tmp_path / "out")
        assert (report.kept, report.waiting, report.is_complete) == (5, {"server-failed": 2}, False)
        assert gather(service, tmp_path / "out").kept == 7
        for number in range(8, 13):
            service.add_photo(number, tags="lake")
            service.trouble[f"/files/{number}.jpg"] = [(503, {}, b"")] * 6
        with pytest.raises(CollectionError, match="answered 503, 6 times"):
            gather(service, tmp_path / "out", since=date(2005, 1, 1))
        assert read_photo_table(tmp_path / "out").height == 7

    def test_nobody_answers(self, service: Service, tmp_path: Path) -> None:
        with pytest.raises(
            CollectionError, match=r"127.0.0.1:9 cannot be reached \(NewConnectionError\), 6 times"
        ):
            gather(service, tmp_path / "out", api_url="http://127.0.0.1:9/rest/")

    def test_a_wrong_key_is_not_asked_with_twice_nor_shown(
        self, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("FLICKR_API_KEY", "topsecret")
        with pytest.raises(CollectionError, match="does not accept the key in FLICKR_API_KEY") as raised:
            gather(service, tmp_path / "out")
        assert len(service.asked) == 1
        assert "topsecret" not in str(raised.value)

    def test_the_key_is_in_no_address_file_or_log(
        self, service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        service.add_photo(1)
        with caplog.at_level("DEBUG"):
            gather(service, tmp_path / "out")
        assert caplog.records  # the library does log
        assert FLICKR_KEY not in caplog.text
        assert not any(FLICKR_KEY in path for path, _, _ in service.asked)
        for file in (tmp_path / "out").rglob("*"):
            assert file.is_dir() or FLICKR_KEY.encode() not in file.read_bytes()

    def test_an_api_that_redirects_is_not_followed_with_the_key(
        self, service: Service, tmp_path: Path
    ) -> None:
        service.trouble["/services/rest/"] = [(302, {"Location": f"{service.url}/elsewhere"}, b"{}")]
        with pytest.raises(CollectionError, match="a key is not taken there"):
            gather(service, tmp_path / "out")
        assert len(service.asked) == 1

    def test_a_refused_search_says_why(self, service: Service, tmp_path: Path) -> None:
        said = json.dumps({"stat": "fail", "code": 18, "message": "Illogical arguments"}).encode()
        service.trouble["/services/rest/"] = [(200, {}, said)]
        with pytest.raises(CollectionError, match=r"refused a search: Illogical arguments \(code 18\)"):
            gather(service, tmp_path / "out")

    @pytest.mark.parametrize(
        "said",
        [{}, {"photos": None}, {"photos": {"total": "many", "pages": 1, "photo": []}}, {"photos": [1]}],
    )
    def test_an_answer_of_another_form(self, service: Service, tmp_path: Path, said: dict[str, Any]) -> None:
        service.trouble["/services/rest/"] = [(200, {}, json.dumps({"stat": "ok", **said}).encode())]
        with pytest.raises(CollectionError, match="in a form that is not known"):
            gather(service, tmp_path / "out")

    def test_a_page_that_is_no_json_is_called_so(self, service: Service, tmp_path: Path) -> None:
        service.trouble["/services/rest/"] = [(200, {}, b"<html>log in</html>")] * 5 + [
            (200, {}, b"[" * 10**5)
        ]
        with pytest.raises(CollectionError, match="answered 200 without JSON, 6 times"):
            gather(service, tmp_path / "out")

    def test_photos_that_cannot_be_understood_stop_nobody(self, service: Service, tmp_path: Path) -> None:
        good = {"id": "1", "owner": "o", "license": "4", "latitude": 48, "longitude": 2, "accuracy": 16}
        service.files["/files/1.jpg"] = picture(1)
        good |= {"url_l": f"{service.url}/files/1.jpg", "title": {"_content": "x"}, "tags": ["a"]}
        odd = [
            {},
            None,
            "photo",
            {**good, "id": "../../../evil"},
            {**good, "id": "x" * 300},
            {**good, "id": "2"},
        ]
        del odd[-1]["owner"]  # type: ignore[attr-defined]
        said = {"stat": "ok", "photos": {"total": 7, "pages": 1, "photo": [*odd, good]}}
        service.trouble["/services/rest/"] = [(200, {}, json.dumps(said).encode())]
        report = gather(service, tmp_path / "out")
        assert (report.kept, report.unwanted) == (1, {"not-understood": 6})
        assert report.found == 7
        assert [file.name for file in tmp_path.rglob("*.jpg")] == ["flickr-1.jpg"]
        assert read_photo_table(tmp_path / "out")["title"].to_list() == [None]

    def test_addresses_that_are_none(self) -> None:
        for url in ("http://[bad/x", "file:///etc/hosts", "http://", ""):
            with pytest.raises(PhotoError, match="is no address of a photo"):
                PoliteSession(FAST).fetch(url)

    def test_two_runs_in_one_folder(self, service: Service, tmp_path: Path) -> None:
        with (
            Journal(tmp_path / "out"),
            pytest.raises(CollectionError, match="Another run is collecting into"),
        ):
            gather(service, tmp_path / "out")


def test_splits_and_own_columns_outlive_a_later_run(service: Service, tmp_path: Path) -> None:
    service.add_photo(1)
    gather(service, tmp_path / "out")
    table = read_photo_table(tmp_path / "out").with_columns(split=pl.lit("test"), mine=pl.lit(7))
    table.write_parquet(tmp_path / "out" / "photos.parquet")
    service.add_photo(2, tags="lake")
    assert gather(service, tmp_path / "out", since=date(2005, 1, 1)).kept == 2
    later = read_photo_table(tmp_path / "out").select("photo_id", "split", "mine")
    assert later.rows() == [("flickr-1", "test", 7), ("flickr-2", None, None)]


def test_a_folder_of_somebody_elses_photos_is_left_alone(service: Service, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "photos.parquet").write_bytes(b"mine")
    with pytest.raises(UsageError, match="was not collected, and it would be replaced"):
        gather(service, tmp_path / "out")
    assert (tmp_path / "out" / "photos.parquet").read_bytes() == b"mine"
    with Journal(tmp_path / "other") as journal:
        journal.fact("service", "mapillary")
    with pytest.raises(UsageError, match="is one of photos from mapillary, not from flickr"):
        gather(service, tmp_path / "other")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"terms": ()}, "neither terms nor places were given"),
        ({"places": Path("a.csv")}, "both terms and places were given"),
        ({"within_km": 33}, "at most 32"),
        ({"min_accuracy": 17}, "goes from 1"),
        ({"since": date(2021, 1, 2), "until": date(2021, 1, 1)}, "Exchange the two days"),
        ({"api_url": "http://example.org/"}, "carry your key for all to read"),
        ({"terms": ("outdor",)}, "Did you mean:  --terms outdoor"),
        ({"languages": ("xx",)}, "no terms in the language 'xx'"),
    ],
)
def test_settings_that_cannot_be_meant(
    service: Service, tmp_path: Path, words: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        gather(service, tmp_path / "out", **words)


def test_flickr_itself_is_not_asked_faster_than_it_allows(service: Service, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at most 1 times a second, not 5"):
        collect("flickr", tmp_path, CollectSettings(terms=("urban",)), manners=Manners(api_per_second=5))


def test_without_a_key(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLICKR_API_KEY")
    with pytest.raises(UsageError, match="export FLICKR_API_KEY=YOUR_KEY"):
        gather(service, tmp_path / "out")
