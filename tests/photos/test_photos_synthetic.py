"""The synthetic planet: looks follow place, shortcuts lie where their masks say, folders survive a kill."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely
from numpy.typing import NDArray
from PIL import Image

import graticule
from graticule.errors import CoordinateError, UsageError
from graticule.geo.outlines import country_of, country_outlines
from graticule.geo.sphere import great_circle_km
from graticule.photos.synthetic import COUNTRIES, SHORTCUTS, build_planet, render
from graticule.photos.synthetic.__main__ import main
from graticule.photos.synthetic.climate import climate_of
from graticule.photos.synthetic.customs import customs_of
from graticule.photos.synthetic.growth import growth_of
from graticule.photos.synthetic.light import sun_position
from graticule.photos.synthetic.places import places_in, trips_in
from graticule.photos.synthetic.plan import PlanetSettings, plan_photos
from graticule.photos.synthetic.scene import camera_on, road_of
from graticule.photos.synthetic.trip import Trip
from graticule.photos.table import COLUMNS, read_photo_table

SAHARA, LAPLAND, AMAZON, KALGOORLIE, YAKUTIA = (23, 8), (67, 26), (-4, -62), (-26, 128), (62, 130)
JULY, JANUARY = 6.5, 0.5


def photo(place: tuple[float, float], seed: int = 0, **options: object) -> NDArray[np.uint8]:
    """A photo of a place as an array (height, width, 3)."""
    return np.asarray(render(place, rng=np.random.default_rng(seed), **{"size_px": (96, 96), **options})[0])  # type: ignore[arg-type]


def mean_ground(place: tuple[float, float], country: str, month: float | None = None) -> NDArray[np.float64]:
    """The mean colour beside the road, below the horizon, over twelve photos (of a time of the year)."""
    trips = [Trip.drawn(np.random.default_rng(seed)) for seed in range(12)]
    if month is not None:
        trips = [dataclasses.replace(trip, month=month) for trip in trips]
    photos = [photo(place, seed, country=country, trip=trip) for seed, trip in enumerate(trips)]
    return np.mean([each[54:80, :20] for each in photos], axis=(0, 1, 2))


class TestNature:
    def test_climates_are_those_of_the_earth(self) -> None:
        assert climate_of(*SAHARA).rain < 0.1 < 0.8 < climate_of(*AMAZON).rain
        assert climate_of(*LAPLAND).mean_c < 3 < 20 < climate_of(*AMAZON).mean_c
        assert climate_of(*YAKUTIA).month_c(JANUARY) < -25
        assert climate_of(29, 85).rugged > 0.8 > 0.1 > climate_of(52, 20).rugged
        assert climate_of(-33.9, 18.4).month_c(JANUARY) > climate_of(-33.9, 18.4).month_c(JULY)

    @pytest.mark.parametrize("place", [(0, 0), (89.99, 10), (-89.99, 10), (10, 179.999), (-60, -179.999)])
    def test_climate_is_smooth_also_over_the_antimeridian_and_the_poles(
        self, place: tuple[float, float]
    ) -> None:
        here = climate_of(*place)
        there = climate_of(place[0], (place[1] + 180.03) % 360 - 180)  # 3 km at most
        assert here.mean_c == pytest.approx(there.mean_c, abs=0.2)
        assert here.soil == pytest.approx(there.soil, abs=1.0)

    def test_trees_follow_the_climate(self) -> None:
        def commonest(place: tuple[float, float]) -> str:
            trees = growth_of(climate_of(*place), JULY).trees
            return max(trees, key=lambda kind: trees[kind])

        assert commonest(LAPLAND) == "spruce"
        assert commonest(AMAZON) == "jungle"
        assert commonest((-2, 35)) == "acacia"
        assert commonest((33, -112)) == "cactus"
        assert commonest((-33, 148)) == "gum"
        assert growth_of(climate_of(*SAHARA), JULY).density < 0.01

    def test_snow_lies_in_the_winter_of_each_hemisphere(self) -> None:
        assert growth_of(climate_of(*YAKUTIA), JANUARY).snow > 0.9
        assert growth_of(climate_of(*YAKUTIA), JULY).snow == 0
        assert growth_of(climate_of(-50, -72), JULY).snow > growth_of(climate_of(-50, -72), JANUARY).snow

    def test_sun_stands_where_astronomy_says(self) -> None:
        for latitude in (-70.0, -30.0, 10.0, 51.5, 66.0):
            height, bearing = sun_position(latitude, 5.67 + 3.0, 0.0)  # noon of an equinox
            assert height == pytest.approx(90.0 - abs(latitude), abs=0.1)
            assert bearing == pytest.approx(180.0 if latitude > 0 else 0.0, abs=0.1)
        assert 40 < sun_position(50.0, 5.67, -1.0)[1] < 60  # midsummer's sun rises in the north-east
        assert sun_position(80.0, 11.67, 0.0)[0] == 4.0  # the polar night is lit a little

    def test_a_person_could_tell_desert_from_forest_and_snow_by_the_colours(self) -> None:
        red, green, blue = mean_ground(SAHARA, "DZ")
        assert red > green > blue + 20
        red, green, blue = mean_ground(AMAZON, "BR")
        assert green > red
        assert green > blue + 15
        red, green, blue = mean_ground(KALGOORLIE, "AU")
        assert red > 1.5 * green
        january, july = mean_ground(YAKUTIA, "RU", JANUARY), mean_ground(YAKUTIA, "RU", JULY)
        assert january.mean() > 1.15 * july.mean()


class TestCustoms:
    def test_the_camera_keeps_to_the_countrys_side(self) -> None:
        trip = Trip.drawn(np.random.default_rng(0))
        growth = growth_of(climate_of(50, 10), JULY)
        for country, side in {"GB": -1, "JP": -1, "KE": -1, "FR": 1, "US": 1, "GH": 1}.items():
            rng = np.random.default_rng(0)
            road = road_of(customs_of(country), growth, 0.9, rng, wet=False)
            offset = camera_on(customs_of(country), road, trip, (96, 96), 0.9, rng).offset_m
            assert np.sign(offset) == side, country

    def test_neighbours_are_alike_and_yet_distinct(self) -> None:
        one, other = customs_of("SN"), customs_of("GH")
        assert one.traffic == other.traffic
        assert one.warning == other.warning == "triangle"
        assert one != other
        assert customs_of("US").warning == "diamond"
        assert [customs_of(each).script for each in ("RU", "EG", "CN", "PL")] == [
            "cyrillic",
            "arabic",
            "han",
            "latin",
        ]

    def test_every_country_with_an_outline_can_be_drawn(self) -> None:
        for number, country in enumerate(country_outlines().codes):
            drawn = photo((10, 10), number, country=country, size_px=(32, 32))
            assert drawn.std() > 5, country


class TestRender:
    def test_the_same_numbers_give_the_same_photo(self) -> None:
        assert np.array_equal(photo(LAPLAND, 3), photo(LAPLAND, 3))
        assert not np.array_equal(photo(LAPLAND, 3), photo(LAPLAND, 4))

    @pytest.mark.parametrize("size_px", [(32, 32), (120, 48), (48, 120), (700, 40)])
    def test_any_size_and_shape(self, size_px: tuple[int, int]) -> None:
        image, mask = render((48.8, 2.3), rng=np.random.default_rng(0), size_px=size_px, shortcut=SHORTCUTS)
        assert image.size == size_px
        assert image.mode == "RGB"
        assert mask.shape == size_px[::-1]
        assert mask.dtype == np.uint8

    @pytest.mark.parametrize("place", [(90, 0), (-90, 0), (0, 180), (0, -180), (0, 0), (12, 541)])
    def test_poles_antimeridian_and_open_sea(self, place: tuple[float, float]) -> None:
        assert photo(place).std() > 5

    def test_what_cannot_be_drawn_is_refused(self) -> None:
        rng = np.random.default_rng(0)
        with pytest.raises(CoordinateError, match="latitude has to lie"):
            render((91, 0), rng=rng)
        with pytest.raises(UsageError, match=r"16x224 px cannot be drawn; each side has to be 32 to 8192 px"):
            render((0, 0), rng=rng, size_px=(16, 224))
        with pytest.raises(UsageError, match=r"no shortcut 'hodd' .*\nType for example:  --shortcut hood:"):
            render((0, 0), rng=rng, shortcut="hodd")
        with pytest.raises(UsageError, match="no country with the code 'Gahna'"):
            render((0, 0), rng=rng, country="Gahna")
        with pytest.raises(CoordinateError, match=r"one place, shape \(2,\), but these have shape \(1, 2\)"):
            render([(0, 0)], rng=rng)


class TestShortcuts:
    @pytest.mark.parametrize("shortcut", [*SHORTCUTS, ("hood", "sky"), SHORTCUTS])
    @pytest.mark.parametrize(("country", "place"), [("GH", (7, -1)), ("KE", (0.5, 37)), ("NO", (61, 9))])
    def test_photos_differ_exactly_where_the_mask_says(
        self, shortcut: str | tuple[str, ...], country: str, place: tuple[float, float]
    ) -> None:
        for seed in range(4):
            without, nothing = render(place, rng=np.random.default_rng(seed), country=country)
            planted, mask = render(place, rng=np.random.default_rng(seed), country=country, shortcut=shortcut)
            differs = (np.asarray(without) != np.asarray(planted)).any(axis=-1)
            assert np.array_equal(differs, mask == 255)
            assert set(np.unique(mask)) <= {0, 255}
            assert not nothing.any()

    def test_the_hood_lies_along_the_bottom_edge(self) -> None:
        _, mask = render((7, -1), rng=np.random.default_rng(0), country="GH", shortcut="hood")
        rows, columns = np.nonzero(mask)
        assert rows.min() > 0.78 * 224
        assert mask[-1].mean() > 250
        assert 0.1 < mask.mean() / 255 < 0.2
        assert columns.min() < 4
        assert columns.max() > 219

    def test_the_sky_shortcut_leaves_what_stands_before_the_sky_alone(self) -> None:
        for seed in range(4):
            _, mask = render((61, 9), rng=np.random.default_rng(seed), country="NO", shortcut="sky")
            assert not mask[140:].any()

    def test_hoods_are_the_same_in_a_country_and_differ_between_countries(self) -> None:
        def hood(country: str, seed: int) -> NDArray[np.float64]:
            pixels = photo((7, -1), seed, country=country, shortcut="hood", size_px=(224, 224))
            return pixels[196:].reshape(-1, 3).mean(axis=0)

        five = ("GH", "SN", "KE", "UG", "NG")
        own = [np.abs(hood(each, 1) - hood(each, 2)).max() for each in five]
        between = [np.abs(hood(a, 1) - hood(b, 1)).max() for a in five for b in five if a < b]
        assert max(own) < 10
        assert min(between) > 20

    def test_clouds_are_those_of_the_trip(self) -> None:
        trips = [Trip.drawn(np.random.default_rng(seed)) for seed in (0, 0, 1)]
        plain = {"country": "MN", "size_px": (96, 96), "shortcut": "clouds"}
        drawn = [
            render((46, 105), rng=np.random.default_rng(5 + number), trip=trip, **plain)  # type: ignore[arg-type]
            for number, trip in enumerate(trips)
        ]
        skies = [np.asarray(image, dtype=float)[..., 0] for image, _ in drawn]
        common = np.logical_and.reduce([mask == 255 for _, mask in drawn])
        assert common.sum() > 500
        same = np.corrcoef(skies[0][common], skies[1][common])[0, 1]
        other = np.corrcoef(skies[0][common], skies[2][common])[0, 1]
        assert same > 0.85
        assert other < 0.6


class TestPlaces:
    @pytest.mark.parametrize("country", ["CL", "FJ", "RU", "ZA", "SM"])
    def test_places_lie_in_the_country(self, country: str) -> None:
        places = places_in(country, 200, np.random.default_rng(0))
        assert places.shape == (200, 2)
        assert (country_of(places) == country).mean() > 0.985  # a coast may be cut differently by a hair

    def test_places_are_even_on_the_sphere_not_on_the_map(self) -> None:
        """Against the outline's own moments, by a fine grid weighted with the cosine of latitude."""
        outlines = country_outlines()
        canada = outlines.polygons[outlines.codes.index("CA")]
        longitude, latitude = np.meshgrid(np.arange(-141, -52, 0.25), np.arange(41.6, 83.2, 0.25))
        inside = shapely.contains_xy(canada, longitude, latitude)
        expected = np.average(latitude[inside], weights=np.cos(np.radians(latitude[inside])))
        places = places_in("CA", 4000, np.random.default_rng(0))
        assert places[:, 0].mean() == pytest.approx(expected, abs=0.6)
        assert abs(latitude[inside].mean() - expected) > 1.2  # even on the map would be caught

    def test_trips_stay_in_the_country_and_go_on_by_kilometres(self) -> None:
        sizes = np.array([3, 8, 1, 5])
        places, trip = trips_in("UG", sizes, np.random.default_rng(0))
        assert trip.tolist() == [0] * 3 + [1] * 8 + [2] + [3] * 5
        assert set(country_of(places)) == {"UG"}
        within = trip[1:] == trip[:-1]
        steps_km = great_circle_km(places[1:], places[:-1])[within]
        assert steps_km.max() < 40
        assert np.median(steps_km) > 0.3


class TestPlan:
    def plan(self, **options: object) -> pl.DataFrame:
        settings = {
            "photos": 900,
            "size_px": (64, 48),
            "seed": 0,
            "countries": None,
            "spread": "country",
            "shortcuts": None,
        }
        return plan_photos(PlanetSettings.checked(**{**settings, **options}))  # type: ignore[arg-type]

    def test_counts_splits_and_groups(self) -> None:
        plan = self.plan()
        assert plan.height == 900
        assert plan["photo_id"].n_unique() == 900
        assert plan["country"].value_counts()["count"].to_list() == [30] * 30
        assert plan.group_by("group").agg(pl.col("split").n_unique())["split"].max() == 1
        shares = dict(plan["split"].value_counts(normalize=True).iter_rows())
        assert shares == pytest.approx({"train": 0.7, "val": 0.1, "test": 0.2}, abs=0.01)
        assert plan.group_by("group").len()["len"].max() <= 8

    def test_every_country_is_in_train_and_test(self) -> None:
        by_split = self.plan().group_by("split").agg(pl.col("country").n_unique())
        countries = dict(by_split.iter_rows())
        assert countries["train"] == 30
        assert countries["test"] >= 28

    def test_spread_by_area(self) -> None:
        counts = dict(
            self.plan(countries=["RU", "FR", "SN"], spread="area")["country"].value_counts().iter_rows()
        )
        assert counts["RU"] / counts["FR"] == pytest.approx(17.1e6 / 0.64e6, rel=0.3)
        assert sum(counts.values()) == 900

    def test_fewer_photos_than_countries(self) -> None:
        assert self.plan(photos=3).height == 3
        assert self.plan(photos=1)["split"].to_list() == ["train"]

    def test_shortcut_countries_join_the_usual_ones(self) -> None:
        plan = self.plan(shortcuts={"hood": ["Laos", "GH"], "sky": ["GH"]})
        planted = plan.drop_nulls("shortcut")
        assert set(planted["country"]) == {"LA", "GH"}
        assert set(planted.filter(country="GH")["shortcut"]) == {"hood+sky"}
        assert set(plan["country"]) == {*COUNTRIES, "LA"}
        assert planted["mask"].null_count() == 0
        assert plan.filter(pl.col("shortcut").is_null())["mask"].null_count() == plan.height - planted.height


@pytest.fixture(scope="module")
def planet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pl.DataFrame]:
    """A planet of 60 small photos in three countries, one of them with hoods."""
    folder = tmp_path_factory.mktemp("planet")
    return folder, build_planet(folder, **SMALL)  # type: ignore[arg-type]


SMALL = {
    "photos": 60,
    "size_px": (48, 40),
    "countries": ["GH", "FR", "MN"],
    "shortcuts": {"hood": ["GH"]},
    "seed": 4,
}


class TestBuild:
    def test_the_folder_holds_a_photo_table_and_masks(self, planet: tuple[Path, pl.DataFrame]) -> None:
        folder, table = planet
        assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
        assert table.equals(read_photo_table(folder))
        assert table.select("width", "height", "source", "licence").unique().row(0) == (
            48,
            40,
            "synthetic",
            "CC0-1.0",
        )
        assert (
            table.select("latitude", "longitude", "country", "split", "group", "sha256")
            .null_count()
            .sum_horizontal()[0]
            == 0
        )
        for row in table.iter_rows(named=True):
            with Image.open(folder / row["path"]) as image:
                assert image.size == (48, 40)
            assert (row["shortcut"] == "hood") == (row["country"] == "GH") == (row["mask"] is not None)
        masks = [np.asarray(Image.open(folder / path)) for path in table["mask"].drop_nulls()]
        assert len(masks) == len(list(folder.glob("masks/*/*.png"))) == 20
        assert all(set(np.unique(mask)) == {0, 255} and mask.shape == (40, 48) for mask in masks)
        settings = json.loads((folder / "planet.json").read_text())
        assert settings["seed"] == 4
        assert settings["shortcuts"] == {"hood": ["GH"]}

    def test_a_rerun_draws_nothing_and_completes_what_is_missing(
        self, tmp_path: Path, planet: tuple[Path, pl.DataFrame]
    ) -> None:
        _, whole = planet
        build_planet(tmp_path, **SMALL)  # type: ignore[arg-type]
        kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*/*")}
        lost = [tmp_path / whole["path"][7], tmp_path / whole["mask"].drop_nulls()[3]]
        for path in lost:
            path.unlink()
        (tmp_path / "photos.parquet").unlink()
        (tmp_path / "images" / "GH" / ".GH-0000-0.jpg.99").write_bytes(b"half")
        told: list[tuple[int, int]] = []
        table = build_planet(tmp_path, **SMALL, on_progress=lambda done, total: told.append((done, total)))  # type: ignore[arg-type]
        assert told[0] == (58, 60)
        assert told[-1] == (60, 60)
        assert table.equals(whole)  # sha256 included: bit for bit
        files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*/*")}
        assert files.keys() == kept.keys()
        redrawn = {path.stem for path, when in files.items() if when != kept[path]}
        assert redrawn == {path.stem for path in lost}

    def test_other_settings_and_somebodys_photos_are_refused(
        self, tmp_path: Path, planet: tuple[Path, pl.DataFrame]
    ) -> None:
        folder, _ = planet
        with pytest.raises(
            UsageError, match=r"holds another planet: photos, seed differ\.\nDraw into a new folder"
        ):
            build_planet(folder, **{**SMALL, "seed": 5, "photos": 70})  # type: ignore[arg-type]
        (tmp_path / "images").mkdir()
        with pytest.raises(UsageError, match=r"holds photos, but no planet\.json"):
            build_planet(tmp_path, **SMALL)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == [tmp_path / "images"]

    def test_without_the_shortcut_only_the_planted_photos_change(
        self, tmp_path: Path, planet: tuple[Path, pl.DataFrame]
    ) -> None:
        _, planted = planet
        plain = build_planet(tmp_path, **{**SMALL, "shortcuts": None})  # type: ignore[arg-type]
        same = plain["sha256"] == planted["sha256"]
        assert (same == (planted["country"] != "GH")).all()
        assert not (tmp_path / "masks").exists()

    def test_a_killed_run_is_completed_by_the_same_line(self, tmp_path: Path) -> None:
        words = ["--photos", "150", "--size", "64x64", "--countries", "Peru,Norway", "--shortcut", "sky:NO"]
        line = [sys.executable, "-m", "graticule.photos.synthetic", *words, "-o", str(tmp_path / "p")]
        source = str(Path(graticule.__file__).parents[1])
        running = subprocess.Popen([*line, "--workers", "2"], env={**os.environ, "PYTHONPATH": source})
        patience = time.monotonic() + 60
        while len(list(tmp_path.glob("p/images/*/*.jpg"))) < 20 and time.monotonic() < patience:
            time.sleep(0.02)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        drawn = len(list(tmp_path.glob("p/images/*/*.jpg")))
        assert 20 <= drawn < 150
        assert not (tmp_path / "p" / "photos.parquet").exists()
        assert main([*words, "--workers", "1", "-o", str(tmp_path / "p")]) == 0
        assert main([*words, "--workers", "1", "-o", str(tmp_path / "q")]) == 0
        one, other = (read_photo_table(tmp_path / name) for name in "pq")
        assert one.equals(other)
        files = sorted(path.relative_to(tmp_path / "p") for path in tmp_path.glob("p/**/*") if path.is_file())
        assert files == sorted(
            path.relative_to(tmp_path / "q") for path in tmp_path.glob("q/**/*") if path.is_file()
        )


class TestCommand:
    def test_json_says_what_was_drawn(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        words = ["--photos", "12", "--size", "32x32", "--countries", "GH,FR", "--shortcut", "watermark:GH"]
        assert main([*words, "-o", str(tmp_path), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["photos"] == 12
        assert said["planted"] == {"watermark": 6}
        assert sum(said["splits"].values()) == 12
        assert main([*words, "-o", str(tmp_path)]) == 0
        assert "watermark planted in 6 of them: GH" in capsys.readouterr().out

    def test_left_alone_it_shows_every_shortcut_with_masks(self, tmp_path: Path) -> None:
        words = ["--photos", "60", "--size", "32x32"]
        assert main([*words, "-o", str(tmp_path / "all")]) == 0
        planted = read_photo_table(tmp_path / "all").drop_nulls("shortcut")
        assert {row["shortcut"]: row["country"] for row in planted.iter_rows(named=True)}.keys() == set(
            SHORTCUTS
        )
        for mask in planted["mask"]:
            assert (tmp_path / "all" / mask).is_file()
        assert main([*words, "--shortcut", "none", "-o", str(tmp_path / "none")]) == 0
        assert read_photo_table(tmp_path / "none")["shortcut"].null_count() == 60
        assert not (tmp_path / "none" / "masks").exists()

    @pytest.mark.parametrize(
        ("words", "sentence"),
        [
            ("--shortcut hodd:GH", "There is no shortcut 'hodd' (there are: hood, watermark, sky, clouds)."),
            ("--shortcut hood:Gahna", "There is no country 'Gahna'.\nDid you mean 'Ghana'?"),
            ("--shortcut hood", "'hood' does not say in which countries to plant 'hood'."),
            ("--countries FR --shortcut hood:GH", "Name these too:  --countries FR,GH"),
            ("--countries FR,Atlantis", "There is no country 'Atlantis'."),
            ("--countries ,", "A planet needs at least one country."),
            ("--photos 0", "A planet needs at least 1 photo, not 0.\nType for example:  --photos 2000"),
            ("--seed -1", "A seed is a whole number from 0 on, not -1."),
            ("--spread contry", "There is no spread 'contry' (there are: country, area)."),
            ("--size 16x16", "Photos of 16x16 px cannot be drawn; each side has to be 32 to 8192 px."),
            (
                "--size big",
                "'big' is no size; expected width x height in px.\nType for example:  --size 224x224",
            ),
            ("--photos many", "'many' is not a valid integer"),
        ],
    )
    def test_wrong_words_are_answered_with_advice(
        self, words: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main([*words.split(), "-o", str(tmp_path / "new")]) == 2
        assert sentence in capsys.readouterr().err
        assert not (tmp_path / "new").exists()

    def test_a_folder_that_cannot_be_written(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "file").write_bytes(b"")
        assert main(["--photos", "1", "-o", str(tmp_path / "file" / "planet")]) == 1
        assert "cannot be written" in capsys.readouterr().err


def small_pixels(folder: Path, table: pl.DataFrame) -> NDArray[np.float64]:
    """All photos averaged down to 16x16, shape (N, 16, 16, 3)."""
    photos = [Image.open(folder / path).resize((16, 16), Image.Resampling.BOX) for path in table["path"]]
    return np.stack([np.asarray(each) for each in photos]) / 128.0 - 1.0


@pytest.mark.slow
def test_place_can_be_learned_and_a_hood_is_a_shortcut(tmp_path: Path) -> None:
    """A linear model of 16x16 pixels beats the constant guess; a planted hood is all that it sees then."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    hoods = ("GH", "SN", "KE", "UG", "NG")
    shares: dict[str, tuple[float, float]] = {}  # right among the five countries, and among all
    for name, shortcuts in {"plain": None, "hood": {"hood": hoods}}.items():
        table = build_planet(tmp_path / name, photos=1800, size_px=(64, 64), shortcuts=shortcuts)
        pixels, country = small_pixels(tmp_path / name, table), table["country"].to_numpy()
        train, test = (table["split"] == "train").to_numpy(), (table["split"] == "test").to_numpy()
        usual, asked, five = pixels[train].mean(axis=0), country[test], np.isin(country[test], hoods)
        model = linear_model.LogisticRegression(C=0.02, max_iter=150)
        model.fit(pixels[train].reshape(train.sum(), -1), country[train])
        for cover, rows in {
            "": slice(0),
            " bottom covered": slice(13, 16),
            " middle covered": slice(5, 8),
        }.items():
            seen = pixels[test].copy()
            seen[:, rows] = usual[rows]
            right = model.predict(seen.reshape(len(seen), -1)) == asked
            shares[name + cover] = right[five].mean(), right.mean()
    constant = max(np.mean(asked == each) for each in set(country))
    assert 0.9 > shares["plain"][1] > 4 * constant
    assert shares["hood"][0] > 0.9 > shares["plain"][0] + 0.2
    assert shares["hood middle covered"][0] > 0.9
    assert shares["hood bottom covered"][0] < 0.2
