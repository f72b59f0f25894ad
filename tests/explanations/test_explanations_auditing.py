"""An audit finds a shortcut that was planted, and nothing where none was.

The network looks for the brightest pixel of each colour: red is France, green China, blue Australia. In
photos of France a red strip at the bottom is the only clue, as a car's hood would be; green and blue spots in
those of China and Australia lie anywhere.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from explanations_spots import BEIJING, PARIS, SYDNEY, spot_bundle
from PIL import Image

from graticule.cli.main import main
from graticule.errors import UsageError
from graticule.explanations.auditing import AuditSettings, Rectangle, audit
from graticule.explanations.auditing.leakage import leakage
from graticule.explanations.auditing.masking import Sampling
from graticule.explanations.auditing.retraining import region_of_photo
from graticule.explanations.auditing.subject import read_subject
from graticule.inference import Model, load_model
from graticule.photos.table import read_photo_table, write_photo_table
from graticule.reports.audit import AuditPictures, write_audit_report

SIZE_PX = 20
PER_COUNTRY = 30
PLACES = {"FR": PARIS, "CN": BEIJING, "AU": SYDNEY}
QUICK = AuditSettings(patch_photos=30, clue_countries=3, clue_photos=8, draws=2, resamples=100)


def square(country: str, random: np.random.Generator, *, planted: bool) -> np.ndarray:
    pixels = random.integers(20, 60, (SIZE_PX, SIZE_PX, 3), dtype=np.uint8)
    if country == "FR" and planted:
        pixels[-4:, :, 0] = 250
        return pixels
    row, column = random.integers(0, SIZE_PX - 3, 2)
    pixels[row : row + 3, column : column + 3, ["FR", "CN", "AU"].index(country)] = 200
    return pixels


def draw_photos(folder: Path, *, planted: bool = True, **columns: object) -> Path:
    """Photos of three countries, three to a trip, and their table; ``columns`` replace those of the table."""
    random = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    rows = []
    for country, place in PLACES.items():
        for number in range(PER_COUNTRY):
            name = f"{country}-{number}"
            picture = Image.fromarray(square(country, random, planted=planted))
            picture.save(folder / "images" / f"{name}.png")
            rows.append(
                {
                    "photo_id": name,
                    "path": f"images/{name}.png",
                    "latitude": place[0],
                    "longitude": place[1],
                    "country": country,
                    "group": f"{country}-{number // 2}",
                    "split": "test",
                    "width": SIZE_PX,
                    "height": SIZE_PX,
                }
            )
    write_photo_table(pl.DataFrame(rows).with_columns(**columns), folder)
    return folder


@pytest.fixture(scope="module")
def bundle_path(tmp_path_factory, three_cells) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "spots"
    return spot_bundle(folder, three_cells, size_px=SIZE_PX, sharpness=12.0)


@pytest.fixture(scope="module")
def model(bundle_path) -> Model:
    return load_model(bundle_path)


@pytest.fixture(scope="module")
def planted(tmp_path_factory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def found(model, planted):
    return audit(model, planted, settings=QUICK)


def test_the_planted_part_and_its_country_are_named(found):
    document = found.document
    assert document["photos"]["accuracy"] == 1.0
    assert document["finding"] == "shortcut"
    assert document["countries"] == ["FR"]
    assert Rectangle(*document["part"]["rectangle"]).overlap(Rectangle(0.8, 0, 1, 1)) > 0.6
    first = document["tested"][0]
    assert first["region"] == "the part found"
    row = first["by_country"][0]
    assert (row["country"], row["accuracy"], row["accuracy_covered"], row["leans"]) == ("FR", 1.0, 0.0, True)
    assert row["carried"] == 1.0
    assert row["repeats"]
    assert first["named"] == first["leaning"] == ["FR"]
    assert row["p_holm"] < 0.05
    low, high = row["intervals"]["excess"]
    assert low <= row["excess"] <= high
    others = [row for row in first["by_country"] if row["country"] != "FR"]
    assert len(others) == 2
    assert not any(row["leans"] for row in others)


def test_the_verdict_says_it_with_the_evidence(found):
    said = " ".join(found.document["verdict"])
    assert "In France it looks the same from trip to trip" in said
    assert "leans on one part of the picture" in said
    assert "France: 100 % right, 0 % with the part covered" in said
    assert "100 % of other photos France" in said
    assert "after Holm's correction" in said
    assert "is not known: the table has no training photos" in said
    assert found.document["retrain"]["type"].startswith("graticule train RECIPE --set 'augmentation.region=[")


def test_the_patch_map_lies_on_the_strip(found):
    maps = {row["photos_of"]: row for row in found.document["patches"]["maps"]}
    assert {"all", "right", "continent EU", "country FR"} <= set(maps)
    assert "wrong" not in maps  # no photo is
    france = {row["region"]: row["share"] for row in maps["country FR"]["mass"]}
    # a strip of 20 px covered a tenth at a time: the rest of it says the same, so that little falls
    assert found.patches.mean.shape == (10, 10)
    assert france["bottom edge"] is None or france["bottom edge"] > 0.5


def test_crops_of_the_strip_are_alike_and_return(found):
    rows = {row["country"]: row for row in found.document["clues"]}
    assert set(rows) == {"FR", "CN", "AU"}
    assert rows["FR"]["photos"] == 8
    assert sum(cluster["photos"] for cluster in rows["FR"]["clusters"]) == 8
    sizes = [cluster["photos"] for cluster in rows["FR"]["clusters"]]
    assert sizes == sorted(sizes, reverse=True)


def test_nothing_is_found_where_nothing_is_planted(model, tmp_path):
    document = audit(model, draw_photos(tmp_path / "p", planted=False), settings=QUICK).document
    assert document["finding"] == "nothing found"
    assert document["countries"] == []
    assert document["retrain"] is None
    said = " ".join(document["verdict"])
    assert "No country leans on any of the" in said
    assert "costs most" in said


def test_few_groups_cannot_tell(model, tmp_path):
    folder = draw_photos(tmp_path / "p", group=pl.col("country"))
    document = audit(model, folder, settings=QUICK).document
    assert document["finding"] == "cannot tell"
    assert "give more photos" in document["verdict"][0]


def test_one_photo_can_be_audited(model, tmp_path):
    folder = draw_photos(tmp_path / "p")
    document = audit(
        model, folder, settings=AuditSettings(limit=1, patch_photos=1, clue_photos=1, resamples=0)
    ).document
    assert document["photos"]["looked_at"] == 1
    page = write_audit_report(
        tmp_path / "audit", document, AuditPictures(np.zeros((9, 9, 3), np.uint8), None, None)
    )
    assert "Too few photos to tell" in page.read_text(encoding="utf-8")
    assert document["finding"] == "cannot tell"


def test_the_verdict_says_of_how_many_countries_it_can_tell(found, model, tmp_path):
    assert "enough groups (authors, trips) to be tested" not in " ".join(found.document["verdict"])
    alone = pl.when(pl.col("country") == "AU").then(pl.lit("one trip")).otherwise(pl.col("group"))
    folder = draw_photos(tmp_path / "p", planted=False, group=alone)
    document = audit(model, folder, settings=QUICK).document
    assert document["finding"] == "nothing found"
    assert document["verdict"][1].startswith("2 of 3 countries have enough groups")


def test_parts_that_are_given_are_tested(model, planted):
    mask = np.zeros((SIZE_PX, SIZE_PX), dtype=bool)
    mask[-4:] = True
    parts = {"0,0,0.2,1": Rectangle(0, 0, 0.2, 1), "hood.png": mask}
    document = audit(model, planted, parts=parts, settings=QUICK).document
    tested = {row["region"]: row for row in document["tested"]}
    assert tested["hood.png"]["named"] == ["FR"]
    assert tested["hood.png"]["rectangle"] is None
    assert tested["0,0,0.2,1"]["leaning"] == []


NOWHERE = {"latitude": pl.lit(None, pl.Float64), "longitude": pl.lit(None, pl.Float64)}
AT_SEA = {"latitude": pl.lit(0.0), "longitude": pl.lit(-30.0), "country": pl.lit(None, pl.String)}


def leaky(seen_right: float, seed: int = 0):
    """A subject of which half the groups have fellows, and whether each is right."""

    class Leaky:
        countries = np.repeat(["FR", "CN"], 200)
        units = np.arange(400) // 2
        seen = units % 2 == 0
        why_not_seen = ""

    random = np.random.default_rng(seed)
    right = np.where(Leaky.seen, random.random(400) < seen_right, random.random(400) < 0.5)
    return Leaky(), right.astype(np.float64)


def test_leakage_is_measured_within_countries():
    subject, right = leaky(0.9)
    found = leakage(subject, right, Sampling(resamples=100))
    assert found["inflates"]
    assert found["difference"] == pytest.approx(0.4, abs=0.1)
    assert found["inflation"] == pytest.approx(found["difference"] / 2)
    subject, right = leaky(0.5)
    assert not leakage(subject, right, Sampling(resamples=100))["inflates"]


def test_leakage_of_a_country_that_is_easy_is_none():
    class Easy:
        countries = np.repeat(["FR", "CN"], 100)
        units = np.arange(200)
        seen = np.where(countries == "FR", units % 10 > 0, units % 10 == 0)
        why_not_seen = ""

    right = (Easy.countries == "FR").astype(np.float64)  # France always, and it has most fellows
    found = leakage(Easy(), right, Sampling(resamples=100))
    assert found["difference"] == 0
    assert not found["inflates"]


def test_photos_of_trips_in_training_are_seen(model, tmp_path):
    split = pl.when(pl.col("photo_id").str.ends_with("0")).then(pl.lit("train")).otherwise(pl.lit("test"))
    folder = draw_photos(tmp_path / "p", split=split)
    subject = read_subject(model, folder)
    # photos 0, 10 and 20 of each country are training photos, and 1, 11 and 21 of their groups
    assert [name for name, seen in zip(subject.photo_ids, subject.seen, strict=True) if seen] == [
        f"{code}-{number}" for code in PLACES for number in (1, 11, 21)
    ]


@pytest.mark.parametrize(
    ("columns", "split", "words"),
    [
        (NOWHERE, None, "has a known place"),
        (AT_SEA, None, "open sea"),
        ({"split": pl.lit("train")}, None, "are of the split 'train'"),
        ({}, "tset", "Did you mean:  --split test"),
        ({"path": pl.lit("gone.png")}, None, "can be read. The first"),
    ],
)  # fmt: skip
def test_tables_that_cannot_be_audited(columns, split, words, model, tmp_path):
    folder = draw_photos(tmp_path / "p", **columns)
    with pytest.raises(UsageError, match=words):
        audit(model, folder, settings=AuditSettings(split=split))


def test_a_table_without_a_test_split_is_taken_whole(model, tmp_path):
    folder = draw_photos(tmp_path / "p", split=pl.lit(None, pl.String))
    subject = read_subject(model, folder)
    assert (len(subject), subject.split, subject.seen) == (90, None, None)


def test_the_limit_keeps_enough_of_each_country(model, tmp_path):
    folder = draw_photos(tmp_path / "p")
    subject = read_subject(model, folder, limit=60)
    codes, counts = np.unique(subject.countries, return_counts=True)
    assert (len(codes), counts.tolist()) == (2, [30, 30])


def test_masks_of_another_size_are_refused(model, planted, tmp_path, capsys, bundle_path):
    with pytest.raises(UsageError, match=r"shape \(5, 5\)"):
        audit(model, planted, parts={"m": np.ones((5, 5), dtype=bool)}, settings=QUICK)
    Image.new("L", (30, 20)).save(tmp_path / "m.png")
    status, _, err = run(capsys, "audit", bundle_path, "--photos", planted, "--mask", tmp_path / "m.png")
    assert (status, "30 x 20 pixels, and the network sees squares of 20 x 20" in err) == (2, True)
    Image.new("L", (20, 20), "white").save(tmp_path / "m.png")
    status, _, err = run(capsys, "audit", bundle_path, "--photos", planted, "--mask", tmp_path / "m.png")
    assert (status, "covers no pixel" in err) == (2, True)


@pytest.mark.parametrize(("words", "said"), [("0.8,0,1", "four numbers"), ("0.8,0,1.2,1", "is no rectangle")])
def test_rectangles_outside_are_refused(words, said, bundle_path, planted, capsys):
    status, _, err = run(capsys, "audit", bundle_path, "--photos", planted, "--rectangle", words)
    assert (status, said in err) == (2, True)


def run(capsys, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(caught.value.code or 0), said.out, said.err


def test_the_verb_prints_and_writes_a_report(bundle_path, planted, tmp_path, capsys):
    mask = tmp_path / "hood.png"
    pixels = np.full((SIZE_PX, SIZE_PX), 255, dtype=np.uint8)
    pixels[-4:] = 0
    Image.fromarray(pixels).save(mask)
    target = tmp_path / "audit"
    status, out, _ = run(
        capsys, "audit", bundle_path, "--photos", planted, "--patch-photos", 9, "--rectangle", "0.8,0,1,1",
        "--mask", mask, "-o", target,
    )  # fmt: skip
    assert status == 0
    assert "the part found" in out
    assert "The model leans on one part" in out
    assert "To train again without it:  graticule train" in out
    page = (target / "index.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http-equiv", "")  # nothing is asked of anybody
    assert "France" in page
    document = json.loads((target / "audit.json").read_text(encoding="utf-8"))
    assert document["countries"] == ["FR"]
    with (target / "patches.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 100 * len(document["patches"]["maps"])
    assert {path.suffix for path in (target / "figures").iterdir()} == {".png"}


def test_the_verb_gives_json_and_counts_what_cannot_be_read(bundle_path, tmp_path, capsys):
    folder = draw_photos(tmp_path / "p")
    (folder / "images" / "FR-0.png").write_bytes(b"this is no photo")
    status, out, err = run(
        capsys, "audit", bundle_path, "--photos", folder, "--patch-photos", 3, "--limit", 90, "--json"
    )
    document = json.loads(out)
    assert status == 3
    assert list(document["photos"]["failed"]) == ["FR-0"]
    assert document["photos"]["looked_at"] == 89
    assert "FR-0" in err


def test_photos_that_a_table_names_in_vain_are_told_of(bundle_path, tmp_path, capsys):
    folder = draw_photos(tmp_path / "p")
    (folder / "photos.parquet").rename(tmp_path / "all.parquet")
    places = pl.read_parquet(tmp_path / "all.parquet").select("photo_id", "path", "latitude", "longitude")
    places.head(4).write_csv(folder / "photos.csv")
    (folder / places["path"][1]).unlink()
    words = ("audit", bundle_path, "--photos", folder, "--patch-photos", 1)
    status, out, err = run(capsys, *words)
    assert (status, "3 photos, " in out) == (3, True)
    assert err.startswith("FR-1: There is no photo")
    for path in places["path"][:4]:
        (folder / path).unlink(missing_ok=True)
    status, _, err = run(capsys, *words)
    assert (status, "None of the 4 photos" in err) == (1, True)


def test_a_report_that_cannot_be_written_is_refused_before_the_work(bundle_path, planted, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    status, out, err = run(capsys, "audit", bundle_path, "--photos", planted, "-o", tmp_path / "file")
    assert (status, out, "cannot be written" in err) == (1, "", True)


def test_where_covering_costs_nothing_no_part_costs_most(model, tmp_path):
    folder = draw_photos(tmp_path / "p", planted=False)
    table = read_photo_table(folder).head(1)
    write_photo_table(table.with_columns(country=pl.lit("AU")), folder)  # never found, so nothing can fall
    said = " ".join(audit(model, folder, settings=QUICK).document["verdict"])
    assert "Over the one photo that tests, covering none of the parts costs more" in said


def test_regions_of_the_square_become_regions_of_photos():
    wide = region_of_photo(Rectangle(0.8, 0.0, 1, 1), aspect=2.0, crop_fraction=1.0)
    assert wide.shares == (0.8, 0.0, 1.0, 1.0)  # what touches an edge goes on to the photo's
    inner = region_of_photo(Rectangle(0.25, 0.25, 0.75, 0.75), aspect=2.0, crop_fraction=0.8)
    assert inner.shares == (0.3, 0.4, 0.7, 0.6)
    tall = region_of_photo(Rectangle(0.25, 0.25, 0.75, 0.75), aspect=0.5, crop_fraction=1.0)
    assert tall.shares == (0.375, 0.25, 0.625, 0.75)
