"""The quadtree against a literal recursion, and against the cells that OSV-5M publishes."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import shapely

from graticule.errors import MissingFileError, PartitionError, TableError, UsageError
from graticule.partitions import Partition
from graticule.partitions.boxes.quadtree import PRESETS, build_quadtree
from graticule.partitions.boxes.quadtree_file import read_quadtree


def reference(latlon, weights, most, depth):
    """Boxes, tokens and photos of the leaves, by halving boxes and filtering photos again and again."""
    leaves = []

    def grow(token, low, high, left, inside):
        photos = weights[inside].sum()
        if photos > most and left > 0:
            middle = (0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]))
            for digit in range(4):
                north, east = digit // 2, digit % 2
                mine = [
                    index
                    for index in inside
                    if (latlon[index, 0] >= middle[0]) == bool(north)
                    and (latlon[index, 1] >= middle[1]) == bool(east)
                ]
                corner = (middle[0] if north else low[0], middle[1] if east else low[1])
                opposite = (high[0] if north else middle[0], high[1] if east else middle[1])
                grow(token + str(digit), corner, opposite, left - 1, mine)
        elif photos:
            leaves.append((token, *corner_pair(low, high), int(photos)))

    def corner_pair(low, high):
        return (float(low[0]), float(low[1])), (float(high[0]), float(high[1]))

    rows = [index for index in range(len(latlon)) if weights[index]]
    grow("q", latlon[rows].min(axis=0), latlon[rows].max(axis=0), depth, rows)
    return leaves


def towns(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.column_stack([rng.uniform(-60, 70, 9), rng.uniform(-180, 180, 9)])
    places = centres[rng.integers(9, size=count)] + rng.standard_normal((count, 2)) * rng.choice(
        [0.0, 0.01, 3.0], (count, 1)
    )
    places[:, 1] = (places[:, 1] + 180) % 360 - 180
    return np.clip(np.round(places, 2), [-90, -180], [90, 180])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("most", "depth"), [(30, 10), (5, 4), (1, 12), (1000, 3), (1, 0)])
def test_same_cells_as_the_literal_recursion(seed: int, most: int, depth: int) -> None:
    places = towns(seed, 300)
    weights = np.random.default_rng(seed).integers(0, 4, 300)
    partition = build_quadtree(places, max_photos=most, depth=depth, weights=weights)
    expected = reference(places, weights, most, depth)
    boxes = partition.tree[partition.leaf_nodes].select("south", "west", "north", "east").rows()
    found = [
        (token, box[:2], box[2:], photos)
        for token, box, photos in zip(partition.tokens, boxes, partition.photos.tolist(), strict=True)
    ]
    assert found == expected  # bit-equal edges, the same numbers
    cells = partition.encode(places)
    np.testing.assert_array_equal(
        np.bincount(cells[weights > 0], weights[weights > 0], partition.count), partition.photos
    )


@pytest.fixture(scope="module")
def published(shared: Path) -> Path:
    return shared / "data" / "coords" / "osv5m_quadtree_10_1000.csv.gz"


def test_published_cells_come_out_of_counts(published: Path) -> None:
    """Decidable: given counts that must split as theirs did, our cells are theirs, number by number.

    Which counts they had is not published. But a box of less than ten levels was left whole, so it held under
    1,000 photos, and every box above a leaf held 1,000 or more: 999 photos at the mean of each leaf (1,000 at
    the deepest) are counts with which the published rule gives the published cells, or else they are no
    quadtree of that rule. The starting box is theirs, as its corner photos are not known.
    """
    file = pl.read_csv(published)
    boxes = file.select("min_lat", "min_lon", "max_lat", "max_lon").to_numpy()
    means = file.select("mean_lat", "mean_lon").to_numpy()
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    depth = np.rint(np.log2((high - low)[0] / (boxes[:, 2] - boxes[:, 0])))
    partition = build_quadtree(
        means,
        max_photos=PRESETS["osv5m-1000"].max_photos,
        depth=PRESETS["osv5m-1000"].depth,
        box=(low.tolist(), high.tolist()),
        weights=np.where(depth == 10, 1000, 999),
    )
    leaves = partition.tree[partition.leaf_nodes].select("south", "west", "north", "east").to_numpy()
    np.testing.assert_array_equal(leaves, boxes)  # 11,399 boxes, bit for bit, in their order
    assert partition.encode(means).tolist() == file["cluster_id"].to_list()


def test_published_cells_as_a_partition(published: Path, shared: Path) -> None:
    places = pl.read_csv(shared / "data" / "coords" / "sv_holdout_10k.csv.gz").to_numpy()
    partition = read_quadtree(published, places)
    file = pl.read_csv(published)
    assert partition.count == file.height == 11_399
    np.testing.assert_allclose(partition.centres, file.select("mean_lat", "mean_lon").to_numpy(), atol=1e-12)
    cells = partition.encode(places)
    inside = np.full(len(places), -1)
    for cell, south, west, north, east in file.select(
        "cluster_id", "min_lat", "min_lon", "max_lat", "max_lon"
    ).iter_rows():
        lies = (places[:, 0] >= south) & (places[:, 0] < north)
        inside[lies & (places[:, 1] >= west) & (places[:, 1] < east)] = cell
    np.testing.assert_array_equal(cells, inside)
    assert partition.source.dropped_photos == (inside < 0).sum()
    again = Partition.read(partition.to_bytes())
    assert again.fingerprint == partition.fingerprint
    np.testing.assert_array_equal(again.encode(places), cells)


def test_the_starting_box_holds_all_its_edges() -> None:
    places = np.array([[0, 0], [0, 40], [40, 0], [40, 40], [20, 20]], dtype=float)
    partition = build_quadtree(places, max_photos=1, depth=3)
    assert (partition.encode(places) >= 0).all()
    assert partition.encode([[40.001, 10], [10, 40.001], [-0.001, 3]]).tolist() == [-1, -1, -1]
    assert partition.tokens[-1] == "q33"


def test_a_box_of_ones_own() -> None:
    places = [[10, 10], [10.1, 10], [50, 50], [-50, 0]]
    partition = build_quadtree(places, max_photos=1, box=[[0, 0], [64, 64]])
    assert partition.source.dropped_photos == 1
    assert partition.photos.sum() == 3
    edges = partition.tree[0].select("south", "west", "north", "east").row(0)
    assert edges == (0, 0, 64, 64)
    assert partition.parameters["box"] == [[0.0, 0.0], [64.0, 64.0]]
    with pytest.raises(UsageError, match="west before east"):
        build_quadtree(places, max_photos=1, box=[[0, 64], [64, 0]])
    with pytest.raises(PartitionError, match="No photo lies in the starting box"):
        build_quadtree(places, max_photos=1, box=[[-9, -9], [-8, -8]])


def test_small_cells_are_dropped_when_asked() -> None:
    places = towns(3, 400)
    everything = build_quadtree(places, max_photos=20)
    kept = build_quadtree(places, max_photos=20, min_photos=5)
    small = everything.photos < 5
    assert kept.tokens == [token for token, gone in zip(everything.tokens, small, strict=True) if not gone]
    assert kept.source.dropped_photos == everything.photos[small].sum()
    assert kept.source.dropped_cells == small.sum()
    assert (kept.encode(places) < 0).sum() == kept.source.dropped_photos
    with pytest.raises(PartitionError, match=r"the fullest holds .*\nType:  `max_photos=500, min_photos="):
        build_quadtree(places, max_photos=500, min_photos=500, depth=10)


def test_a_million_copies_of_one_place_stop_at_the_depth() -> None:
    places = np.vstack([np.full((1_000_000, 2), (48.86, 2.35)), [[39.9, 116.4]]])
    partition = build_quadtree(places, max_photos=10)
    assert partition.levels.max() == 10
    assert partition.photos.max() == 1_000_000


def test_a_starting_box_of_another_shape() -> None:
    with pytest.raises(UsageError, match=r"shape \(4,\), expected \(2, 2\)(?s:.*)\[\[south, west\]"):
        build_quadtree([[3, 4], [5, 6]], max_photos=1, box=[0, 0, 9, 9])


@pytest.mark.parametrize("places", [[[3, 4]], [[3, 4], [3, 9]], [[3, 4], [8, 4]], np.full((1000, 2), 7.0)])
def test_places_on_a_line_have_no_box(places) -> None:
    with pytest.raises(PartitionError, match=r"one (place|latitude|longitude).*\nType:  `method=s2`"):
        build_quadtree(places, max_photos=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"max_photos": 3, "min_photos": 5}, "at most 3 and at least 5"),
        ({"max_photos": 3, "min_photos": 0}, "a whole number of at least 1"),
        ({"max_photos": 3, "depth": 21}, "not within 0 to 20"),
    ],
)
def test_words_that_cannot_be(words, message) -> None:
    with pytest.raises(UsageError, match=message):
        build_quadtree(towns(1, 9), **words)
    with pytest.raises(TableError):
        build_quadtree(np.empty((0, 2)), max_photos=1)


def test_outlines_open_as_valid_polygons() -> None:
    partition = build_quadtree(towns(2, 200), max_photos=5)
    shapes = shapely.from_wkb(partition.nodes["geometry"].to_numpy())
    assert shapely.is_valid(shapes).all()
    assert partition.names == list(dict.fromkeys(partition.names))


FILE = """cluster_id,min_lat,min_lon,max_lat,max_lon,mean_lat,mean_lon
0,0.0,0.0,10.0,20.0,1.0,2.0
1,0.0,20.0,10.0,40.0,1.0,22.0
2,10.0,20.0,20.0,40.0,11.0,22.0
"""


@pytest.mark.parametrize("name", ["cells.csv", "cells.csv.gz"])
def test_a_small_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(FILE.encode()) if name.endswith("gz") else FILE.encode())
    partition = read_quadtree(path, [[1, 1], [2, 30], [15, 5]], [4, 5, 6])
    assert partition.tokens == ["q0", "q1", "q3"]
    assert partition.photos.tolist() == [4, 5, 0]
    assert (partition.source.photos, partition.source.dropped_photos) == (15, 6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FILE.replace("mean_lat", "mean"), "lacks the column mean_lat"),
        (FILE.replace("1.0,22.0", "x,22.0"), "a value is not a number"),
        (FILE.replace("1.0,22.0", ",22.0"), "a value is missing"),
        (FILE.replace("\n2,", "\n3,"), "not numbered 0, 1, 2"),
        (FILE.replace("10.0,20.0,20.0,40.0", "10.0,20.0,20.0,37.0"), "not a half of a half"),
        (FILE.replace("10.0,20.0,20.0,40.0", "10.0,20.0,10.0,40.0"), "no height or width"),
        (FILE.replace("10.0,20.0,20.0,40.0", "9.0,20.0,19.0,40.0"), "not a half|beside the grid"),
        (
            FILE.replace("\n0,", "\n9,").replace("\n1,", "\n0,").replace("\n9,", "\n1,"),
            "boxes overlap, or are",
        ),
        ("", "cannot be read as CSV"),
    ],
)
def test_files_that_are_no_quadtree(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(text)
    with pytest.raises(PartitionError, match=message):
        read_quadtree(path, [[1, 1]])


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="There is no file of cells"):
        read_quadtree(tmp_path / "none.csv", [[1, 1]])
