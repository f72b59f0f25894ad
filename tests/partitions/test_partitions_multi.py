"""Several resolutions in one partition and one file."""

from __future__ import annotations

import io
import json

import numpy as np
import polars as pl
import pytest

from graticule.errors import PartitionError, UsageError
from graticule.partitions import Partition, build_s2
from graticule.partitions.boxes.kd import build_kd
from graticule.partitions.methods import build_partition
from graticule.partitions.multi import build_multi
from graticule.partitions.partition import MultiPartition


def towns(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.column_stack([rng.uniform(-60, 70, 12), rng.uniform(-180, 180, 12)])
    return centres[rng.integers(12, size=count)] + rng.standard_normal((count, 2)) * rng.choice(
        [0.01, 2.0], (count, 1)
    )


PLACES = towns(1, 900)
WEIGHTS = np.random.default_rng(2).integers(0, 4, 900)


@pytest.fixture(scope="module")
def multi() -> MultiPartition:
    each = {
        name: build_s2(PLACES, max_photos=most, min_photos=8, weights=WEIGHTS)
        for name, most in [("coarse", 200), ("middle", 80), ("fine", 20)]
    }
    return build_multi(each, PLACES, WEIGHTS)


@pytest.fixture(scope="module")
def crossing() -> MultiPartition:
    """Cells that do not nest: k-d trees of different places."""
    other = towns(1, 900) + np.array([0.7, 1.3])
    each = {
        "coarse": build_kd(other, max_photos=200),
        "middle": build_kd(PLACES, max_photos=100),
        "fine": build_kd(towns(9, 900), max_photos=25),
    }
    return build_multi(each, PLACES, WEIGHTS)


def slow_shares(multi: MultiPartition, finer: str, coarser: str) -> dict[tuple[int, int], float]:
    fine, coarse = (multi.resolutions[name].encode(PLACES).tolist() for name in (finer, coarser))
    photos: dict[tuple[int, int], int] = {}
    total: dict[int, int] = {}
    for cell, other, weight in zip(fine, coarse, WEIGHTS.tolist(), strict=True):
        if cell >= 0 and weight:
            total[cell] = total.get(cell, 0) + weight
            if other >= 0:
                photos[cell, other] = photos.get((cell, other), 0) + weight
    return {(cell, other): count / total[cell] for (cell, other), count in photos.items()}


@pytest.mark.parametrize("pair", [("fine", "coarse"), ("fine", "middle"), ("middle", "coarse")])
@pytest.mark.parametrize("which", ["multi", "crossing"])
def test_overlaps_are_shares_of_photos(request: pytest.FixtureRequest, which: str, pair) -> None:
    several = request.getfixturevalue(which)
    cell, other, share = several.overlaps(*pair)
    found = dict(zip(zip(cell.tolist(), other.tolist(), strict=True), share.tolist(), strict=True))
    assert found == pytest.approx(slow_shares(several, *pair))
    assert (np.diff(cell) >= 0).all()
    assert all(share[row] >= share[row + 1] for row in np.flatnonzero(np.diff(cell) == 0))
    containing = several.containing(*pair)
    assert len(containing) == several.resolutions[pair[0]].count
    for mine, best in enumerate(containing.tolist()):
        shares = {at: value for (one, at), value in found.items() if one == mine}
        assert best == -1 if not shares else shares[best] == max(shares.values())


def test_cells_of_s2_nest(multi: MultiPartition, crossing: MultiPartition) -> None:
    cell, _, share = multi.overlaps("fine", "coarse")
    assert set(share.tolist()) == {1.0}
    assert len(set(cell.tolist())) == len(cell)
    assert min(crossing.overlaps("fine", "coarse").share) < 1


def test_any_head_can_use_it_as_its_finest_partition(multi: MultiPartition) -> None:
    finest = multi.resolutions["fine"]
    assert isinstance(multi, Partition)
    assert (multi.count, multi.tokens, multi.names) == (finest.count, finest.tokens, finest.names)
    np.testing.assert_array_equal(multi.encode(PLACES), finest.encode(PLACES))
    np.testing.assert_array_equal(multi.parents, finest.parents)
    assert multi.path(3).tolist() == finest.path(3).tolist()
    each = multi.encode_each(PLACES[:9].reshape(3, 3, 2))
    assert each.shape == (3, 3, 3)
    np.testing.assert_array_equal(each[..., 1].reshape(-1), multi.resolutions["middle"].encode(PLACES[:9]))
    assert multi.fingerprint != finest.fingerprint


def test_one_file_holds_all(multi: MultiPartition, crossing: MultiPartition) -> None:
    for several in (multi, crossing):
        content = several.to_bytes()
        again = Partition.read(content)
        assert isinstance(again, MultiPartition)
        assert again.fingerprint == several.fingerprint
        assert list(again.resolutions) == ["coarse", "middle", "fine"]
        for name, each in several.resolutions.items():
            read = again.resolutions[name]
            assert read.fingerprint == each.fingerprint
            assert (read.names, read.source) == (each.names, each.source)
            assert dict(read.parameters) == dict(each.parameters)
            np.testing.assert_array_equal(read.encode(PLACES), each.encode(PLACES))
        for pair in [("fine", "coarse"), ("middle", "coarse")]:
            for mine, theirs in zip(several.overlaps(*pair), again.overlaps(*pair), strict=True):
                np.testing.assert_array_equal(mine, theirs)
        assert Partition.read(again.to_bytes()).fingerprint == several.fingerprint
        rows = pl.read_parquet(io.BytesIO(content))
        assert rows["resolution"].unique(maintain_order=True).to_list() == ["coarse", "middle", "fine"]


def test_geopandas_opens_it(multi: MultiPartition) -> None:
    geopandas = pytest.importorskip("geopandas")
    with pytest.warns(UserWarning, match="spherical edges"):
        frame = geopandas.read_parquet(io.BytesIO(multi.to_bytes()))
    assert frame.geometry.is_valid.all()
    assert (frame.resolution == "fine").sum() == multi.tree.height


def test_a_changed_file_is_refused(multi: MultiPartition) -> None:
    content = multi.to_bytes()
    metadata = pl.read_parquet_metadata(io.BytesIO(content))
    header = json.loads(metadata["graticule"])
    rows = pl.read_parquet(io.BytesIO(content))

    def written(header: dict, rows: pl.DataFrame) -> bytes:
        buffer = io.BytesIO()
        rows.write_parquet(buffer, metadata={**metadata, "graticule": json.dumps(header)})
        return buffer.getvalue()

    assert Partition.read(written(header, rows)).fingerprint == multi.fingerprint
    with pytest.raises(PartitionError, match="its header is incomplete"):
        Partition.read(written({**header, "order": ["coarse", "none"]}, rows))
    ids = pl.col("cell_id")
    changed = rows.with_columns(ids.reverse().over("resolution").alias("cell_id"))
    with pytest.raises(PartitionError, match="was changed after it was written"):
        Partition.read(written(header, changed))
    with pytest.raises(PartitionError, match="broken tree"):
        Partition.read(written(header, rows.filter(pl.col("node") > 0)))


def test_what_is_no_set_of_resolutions(multi: MultiPartition) -> None:
    coarse, fine = multi.resolutions["coarse"], multi.resolutions["fine"]
    with pytest.raises(UsageError, match="at least two partitions of one method"):
        build_multi({"one": fine}, PLACES)
    with pytest.raises(UsageError, match="at least two partitions of one method"):
        build_multi({"one": build_kd(PLACES, cells=2), "two": fine}, PLACES)
    with pytest.raises(UsageError, match=r"their cells are fine .*\nTurn them round"):
        build_multi({"fine": fine, "coarse": coarse}, PLACES)
    with pytest.raises(UsageError, match=r"from coarse to fine: coarse, middle, fine"):
        multi.overlaps("coarse", "fine")
    with pytest.raises(UsageError, match="'ultra' is not finer"):
        multi.containing("ultra", "fine")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"max_photos": 40, "min_photos": 5}, [200, 80, 40]),
        ({"resolutions": "30,90", "min_photos": 5}, [90, 30]),
        ({"preset": "geoestimation", "max_photos": 40, "min_photos": 5}, [200, 80, 40]),
        ({"of": "kd", "resolutions": "200,100,50"}, [200, 100, 50]),
        ({"of": "quadtree", "max_photos": 40}, [200, 80, 40]),
    ],
)
def test_by_the_command_lines_words(words, expected) -> None:
    built = build_partition("multi", PLACES, None, words).partition
    assert isinstance(built, MultiPartition)
    assert [each.parameters["max_photos"] for each in built.resolutions.values()] == expected


def test_the_preset_of_geoestimation() -> None:
    places = np.repeat(PLACES, 12, axis=0)
    built = build_partition("multi", places, None, {"preset": "geoestimation"}).partition
    assert [dict(each.parameters) for each in built.resolutions.values()] == [
        {"max_photos": most, "min_photos": 50, "start_level": 2, "end_level": 30, "merge_small": False}
        for most in (5000, 2000, 1000)
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"resolutions": "5,5"}, "no list of different numbers"),
        ({"resolutions": "5,x"}, "no list of different numbers"),
        ({"resolutions": "5"}, "no list of different numbers"),
        ({"resolutions": "5,9", "max_photos": 3}, "`max_photos` stands beside it"),
        ({"of": "multi"}, "`of=multi` is no method"),
        ({"preset": "cnn-vit"}, "'multi' has no preset 'cnn-vit' \\(known: geoestimation"),
        ({"of": "kd", "end_level": 3}, "takes no `end_level`"),
    ],
)
def test_words_that_cannot_be(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        build_partition("multi", PLACES, None, words)
