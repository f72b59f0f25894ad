"""A partition's lookups, its paths, and its file: written, read back, damaged, foreign."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import s2geometry
from hypothesis import given, settings
from hypothesis import strategies as st

from graticule.errors import CoordinateError, MissingFileError, PartitionError
from graticule.partitions import Partition, build_s2
from graticule.partitions.partition.geoparquet import COLUMNS


def some_places(count: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(8)
    towns = np.array([[51.5, -0.12], [48.86, 2.35], [-17.8, 178.0], [89.5, 10.0], [-33.9, 151.2]])
    places = towns[rng.integers(len(towns), size=count)] + rng.standard_normal((count, 2)) * 1.5
    places[:, 0] = np.clip(places[:, 0], -90, 90)
    places[:, 1] = (places[:, 1] + 180) % 360 - 180
    return places


@pytest.fixture(scope="module")
def partition() -> Partition:
    return build_s2(some_places(), max_photos=120, min_photos=30)


@pytest.fixture(scope="module")
def content(partition: Partition) -> bytes:
    return partition.to_bytes()


def literal_encode(partition: Partition, latitude: float, longitude: float) -> int:
    longitude = 0.0 if abs(latitude) == 90 else 180.0 if longitude == -180 else longitude  # one name each
    place = s2geometry.S2CellId(s2geometry.S2LatLng.FromDegrees(latitude, longitude))
    found = [
        index
        for index, token in enumerate(partition.tokens)
        if s2geometry.S2CellId.FromToken(token).contains(place)
    ]
    assert len(found) <= 1
    return found[0] if found else -1


@settings(max_examples=80, deadline=None)
@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(0, 2999))
def test_encode_finds_the_one_cell_that_holds_the_place(latitude, longitude, near) -> None:
    partition = test_encode_finds_the_one_cell_that_holds_the_place.partition
    assert partition.encode([latitude, longitude]) == literal_encode(partition, latitude, longitude)
    place = some_places()[near]
    assert partition.encode(place) == literal_encode(partition, *place)


test_encode_finds_the_one_cell_that_holds_the_place.partition = build_s2(
    some_places(), max_photos=120, min_photos=30
)


def test_encode_keeps_the_shape_and_takes_no_places(partition: Partition) -> None:
    assert partition.encode(np.empty((0, 2))).shape == (0,)
    assert partition.encode(np.zeros((3, 4, 2))).shape == (3, 4)
    assert partition.encode([51.5, -0.12]).shape == ()
    assert partition.encode(np.empty((0, 2))).dtype == np.int64


def test_encode_in_chunks_is_encode_at_once(partition: Partition, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = partition.encode(some_places())
    monkeypatch.setattr("graticule.partitions.cells.s2_cells._PLACES_AT_ONCE", 7)
    np.testing.assert_array_equal(partition.encode(some_places()), whole)


@pytest.mark.parametrize("place", [[91.0, 0.0], [float("nan"), 0.0], [1.0, 2.0, 3.0]])
def test_encode_refuses_what_is_not_on_earth(partition: Partition, place) -> None:
    with pytest.raises(CoordinateError):
        partition.encode(place)


def test_path_leads_from_the_root_to_the_leaf(partition: Partition) -> None:
    for cell in range(partition.count):
        path = partition.path(cell)
        assert partition.parents[path[0]] == -1
        np.testing.assert_array_equal(partition.parents[path[1:]], path[:-1])
        assert path[-1] == partition.leaf_nodes[cell]
        np.testing.assert_array_equal(partition.levels[path], np.arange(len(path)))


@pytest.mark.parametrize("cell", [-1, 10_000])
def test_path_of_a_cell_that_is_not_there(partition: Partition, cell: int) -> None:
    with pytest.raises(IndexError, match=f"There is no cell {cell}: this partition has cells 0 to"):
        partition.path(cell)


def test_polygons_are_the_corners_of_the_cells(partition: Partition) -> None:
    rings = partition.polygons()
    assert len(rings) == partition.count
    for ring, token in zip(rings, partition.tokens, strict=True):
        cell = s2geometry.S2Cell(s2geometry.S2CellId.FromToken(token))
        expected = [s2geometry.S2LatLng(cell.GetVertex(corner)) for corner in range(4)]
        assert ring.shape == (4, 2)
        gap = ring - [[place.lat().degrees(), place.lng().degrees()] for place in expected]
        np.testing.assert_allclose((gap + 180) % 360 - 180, 0, atol=1e-9)


def test_areas(partition: Partition) -> None:
    cells = [s2geometry.S2Cell(s2geometry.S2CellId.FromToken(token)) for token in partition.tokens]
    expected = np.array([cell.ExactArea() for cell in cells]) * 6371.0088**2
    np.testing.assert_allclose(partition.areas_km2, expected, rtol=1e-7)  # Google's loses digits at level 30


def test_nodes_have_the_columns_of_the_contract(partition: Partition) -> None:
    nodes = partition.nodes
    assert nodes.columns == list(COLUMNS)
    assert nodes["cell_id"].dtype == pl.UInt64
    assert nodes["cell"].drop_nulls().to_list() == [
        nodes["cell"][int(node)] for node in sorted(partition.leaf_nodes)
    ]
    assert nodes.filter(pl.col("parent").is_null())["level"].to_list() == [0] * nodes["parent"].null_count()


def test_names_are_unique_and_say_where(partition: Partition) -> None:
    names = partition.nodes["name"].to_list()
    assert len(set(names)) == len(names)
    inner = partition.nodes.filter(pl.col("cell").is_null())["name"]
    assert inner.str.starts_with("around ").all()
    assert any(name.endswith("GB") for name in partition.names)
    assert (
        partition.names == partition.nodes.sort("cell", nulls_last=True)["name"][: partition.count].to_list()
    )


def test_written_and_read_back_it_is_the_same(partition: Partition, tmp_path: Path) -> None:
    path = partition.write(tmp_path / "new folder" / "cells.parquet")
    back = Partition.read(path)
    assert back.nodes.equals(partition.nodes)
    assert (back.method, dict(back.parameters), back.source) == (
        "s2",
        dict(partition.parameters),
        partition.source,
    )
    assert back.fingerprint == partition.fingerprint
    assert back.tokens == partition.tokens
    assert back.names == partition.names
    np.testing.assert_array_equal(back.encode(some_places()), partition.encode(some_places()))
    np.testing.assert_array_equal(back.centres, partition.centres)
    again = Partition.read(back.to_bytes())
    assert again.nodes.equals(partition.nodes)
    assert list(path.parent.iterdir()) == [path]


def test_fingerprint_tells_other_cells_apart(partition: Partition) -> None:
    others = [
        build_s2(some_places(), max_photos=120, min_photos=60),
        build_s2(some_places(), max_photos=60, min_photos=30),
        build_s2(some_places()[:2900], max_photos=120, min_photos=30),
    ]
    assert len({partition.fingerprint, *(other.fingerprint for other in others)}) == 4


def test_metadata_says_how_it_was_built(partition: Partition, content: bytes) -> None:
    metadata = pl.read_parquet_metadata(io.BytesIO(content))
    header = json.loads(metadata["graticule"])
    assert header["method"] == "s2"
    assert header["parameters"] == {
        "max_photos": 120,
        "min_photos": 30,
        "start_level": 2,
        "end_level": 30,
        "merge_small": False,
    }
    assert header["source"]["photos"] == 3000
    assert header["source"]["dropped_photos"] == partition.source.dropped_photos > 0
    geo = json.loads(metadata["geo"])["columns"]["geometry"]
    assert (geo["encoding"], geo["edges"], geo["crs"]["id"]["code"]) == ("WKB", "spherical", "CRS84")


@pytest.mark.filterwarnings("ignore:The geo metadata indicate that column 'geometry' has spherical edges")
def test_geopandas_opens_it(partition: Partition, content: bytes) -> None:
    geopandas = pytest.importorskip("geopandas")
    frame = geopandas.read_parquet(io.BytesIO(content))
    assert frame.crs == "OGC:CRS84"
    assert len(frame) == partition.nodes.height
    assert frame["cell_id"].dtype == np.uint64
    np.testing.assert_array_equal(frame["cell_id"], partition.tree["cell_id"].to_numpy())
    assert frame.geometry.is_valid.all()
    west, south, east, north = frame.total_bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    geo = json.loads(pl.read_parquet_metadata(io.BytesIO(content))["geo"])["columns"]["geometry"]
    assert geo["bbox"] == [west, south, east, north]
    assert set(frame.geom_type) == set(geo["geometry_types"])
    # on a flat map the poles are edges, where a place has no one longitude
    leaves = frame[frame["cell"].notna() & (frame["latitude"].abs() < 89.999)]
    assert len(leaves) >= partition.count - 1
    points = geopandas.points_from_xy(leaves["longitude"], leaves["latitude"])
    assert leaves.geometry.covers(geopandas.GeoSeries(points, index=leaves.index, crs=frame.crs)).all()


def test_pyarrow_reads_it_without_us(partition: Partition, content: bytes) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(io.BytesIO(content))
    assert table.column_names == list(COLUMNS)
    assert str(table.schema.field("cell_id").type) == "uint64"
    assert table["token"].to_pylist() == partition.tree["token"].to_list()


def rewritten(content: bytes, change, **metadata: str) -> bytes:
    """The file as another program might have written it: other rows, or other metadata."""
    buffer = io.BytesIO()
    kept = {
        key: value
        for key, value in pl.read_parquet_metadata(io.BytesIO(content)).items()
        if key != "ARROW:schema"
    }
    change(pl.read_parquet(io.BytesIO(content))).write_parquet(buffer, metadata={**kept, **metadata})
    return buffer.getvalue()


def header_with(content: bytes, **changes) -> str:
    header = json.loads(pl.read_parquet_metadata(io.BytesIO(content))["graticule"])
    return json.dumps({key: value for key, value in {**header, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda nodes: nodes.drop("token", "name"), "lacks the columns token, name"),
        (lambda nodes: nodes.drop("geometry"), "lacks the column geometry"),
        (
            lambda nodes: nodes.cast({"cell_id": pl.Float64}),
            "has Float64 in column 'cell_id', expected UInt64",
        ),
        (lambda nodes: nodes[::-1], "nodes are not numbered 0, 1, 2"),
        (lambda nodes: nodes.head(0), "leaves are not numbered 0..K-1"),
        (lambda nodes: nodes.with_columns(cell=pl.col("cell") + 1), "leaves are not numbered 0..K-1"),
        (lambda nodes: nodes.with_columns(parent=pl.col("node")), "a node comes before its parent"),
        (
            lambda nodes: nodes.with_columns(cell=pl.col("node")),
            "a leaf has children",
        ),
        (
            lambda nodes: nodes.with_columns(
                level=pl.when(pl.col("node") == 3).then(None).otherwise("level")
            ),
            "rows without a value in column 'level'",
        ),
        (
            lambda nodes: nodes.with_columns(cell_id=pl.col("cell_id") + 4),
            "its cells do not match its fingerprint",
        ),
        (
            lambda nodes: nodes.with_columns(level=pl.col("level") + 1),
            "its cells do not match its fingerprint",
        ),
    ],
)
def test_files_that_were_tampered_with_are_refused(content: bytes, change, message) -> None:
    with pytest.raises(PartitionError, match=message) as error:
        Partition.read(rewritten(content, change))
    assert str(error.value).endswith("Build one:  graticule partition TABLE -o cells.parquet")


def test_columns_may_come_in_another_order_and_with_company(partition: Partition, content: bytes) -> None:
    changed = rewritten(
        content, lambda nodes: nodes.select(reversed(nodes.columns)).with_columns(mine=pl.lit(1))
    )
    assert Partition.read(changed).nodes.equals(partition.nodes)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{", "its header is not JSON"),
        ("[]", "its header has no format version"),
        ({"format": 99}, "has format 99; this version of graticule reads up to 1.\nUpdate:"),
        ({"method": "voronoi"}, "built by the method 'voronoi', which this version does not know"),
        ({"method": ["s2"]}, "which this version does not know"),
        ({"source": None}, "its header is incomplete"),
        ({"source": {"photos": 3}}, "its header is incomplete"),
        ({"parameters": 7}, "its header is incomplete"),
        ({"fingerprint": "0" * 64}, "its cells do not match its fingerprint"),
    ],
)
def test_headers_that_cannot_be(content: bytes, header, message) -> None:
    text = header if isinstance(header, str) else header_with(content, **header)
    with pytest.raises(PartitionError) as error:
        Partition.read(rewritten(content, lambda nodes: nodes, graticule=text))
    assert message in str(error.value)


def test_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "photos.parquet"
    pl.DataFrame({"latitude": [1.0]}).write_parquet(path)
    with pytest.raises(PartitionError, match=r"photos.parquet' is a Parquet file, but not a partition"):
        Partition.read(path)
    path.write_text("latitude,longitude\n1,2\n")
    with pytest.raises(PartitionError, match="is not a Parquet file"):
        Partition.read(path)
    path.write_bytes(b"")
    with pytest.raises(PartitionError, match="is not a Parquet file"):
        Partition.read(path)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"There is no partition file '.*none.parquet'.\nBuild one:"):
        Partition.read(tmp_path / "none.parquet")
    with pytest.raises(MissingFileError, match="Cannot read the partition"):
        Partition.read(tmp_path)


def test_damaged_files_end_in_a_sentence(content: bytes) -> None:
    rng = np.random.default_rng(3)
    for size in rng.integers(4, len(content), 25):
        with pytest.raises(PartitionError):
            Partition.read(content[:size])
    for place in rng.integers(0, len(content), 150):
        damaged = bytearray(content)
        damaged[place] ^= 1 << int(rng.integers(8))
        try:  # a flipped bit in a name or an unused byte is no error; anything else must be a sentence
            Partition.read(bytes(damaged))
        except PartitionError as error:
            assert "Build one:" in str(error) or "Update:" in str(error)  # noqa: PT017


def test_a_place_that_cannot_be_written_to(partition: Partition, tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    with pytest.raises(PartitionError, match="Cannot write the partition") as error:
        partition.write(blocker / "cells.parquet")
    assert "Name another file." in str(error.value)
    assert list(tmp_path.iterdir()) == [blocker]


def test_a_failed_write_leaves_the_old_file(partition: Partition, tmp_path: Path, monkeypatch) -> None:
    path = partition.write(tmp_path / "cells.parquet")
    before = path.read_bytes()

    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(PartitionError, match="No space left on device"):
        partition.write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_repr_says_what_it_is(partition: Partition) -> None:
    assert (
        repr(partition) == f"Partition(method='s2', {partition.count} cells, {partition.tree.height} nodes)"
    )
