"""Fused resolutions and offsets in cells: against literal references, at poles and over the antimeridian."""

from __future__ import annotations

import math

import numpy as np
import onnxruntime
import pytest
import torch

from graticule.errors import RecipeError
from graticule.geo.sphere import great_circle_km
from graticule.models import (
    BackboneSettings,
    HeadSettings,
    InputSettings,
    NetworkSettings,
    create_network,
)
from graticule.models.heads.fused import FusedHead
from graticule.models.heads.offsets import REACH, OffsetHead, place_in, sides_of
from graticule.partitions import Partition, build_s2
from graticule.partitions.multi import build_multi
from graticule.partitions.partition import MultiPartition
from graticule.training.exporting.onnx_graph import halved, to_onnx
from graticule.training.losses import LossCells, Targets, create_loss, places_tensor
from graticule.training.recipe import LossSection

GENERATOR = np.random.default_rng(0)
PLACES = np.concatenate(
    [GENERATOR.normal(at, 5, (80, 2)) for at in ([48, 10], [-30, 140], [10, -179], [84, 30])]
)
PLACES[:, 0] = PLACES[:, 0].clip(-90, 90)


def nested() -> MultiPartition:
    sizes = {"coarse": 80, "middle": 40, "fine": 12}
    return build_multi(
        {name: build_s2(PLACES, max_photos=most, min_photos=1) for name, most in sizes.items()}, PLACES
    )


def overlapping() -> MultiPartition:
    """Two cuttings that do not nest: the coarser one was made from turned places, and drops small cells."""
    turned = PLACES[::2] + np.array([0.0, 3.0])
    coarse = build_s2(turned, max_photos=30, min_photos=12)
    return build_multi({"coarse": coarse, "fine": build_s2(PLACES, max_photos=12, min_photos=1)}, PLACES)


def literal_scores(partition: MultiPartition, logits: list[np.ndarray]) -> np.ndarray:
    """Cell by cell."""
    shares = [np.exp(row - row.max()) / np.exp(row - row.max()).sum() for row in logits]
    *coarser, finest = partition.resolutions
    scores = []
    for cell in range(partition.count):
        score = math.log(shares[-1][cell])
        for number, name in enumerate(coarser):
            cells, others, parts = partition.overlaps(finest, name)
            mine = [(other, part) for c, other, part in zip(cells, others, parts, strict=True) if c == cell]
            assert len(mine) <= 8
            seen = sum(part * shares[number][other] for other, part in mine)
            rest = 1 - sum(part for _, part in mine)
            score += math.log(seen + max(rest, 0) / len(shares[number]))
        scores.append(score)
    return np.array(scores)


@pytest.mark.parametrize("build", [nested, overlapping])
def test_resolutions_are_fused_by_product_or_by_overlap(build: object) -> None:
    partition: MultiPartition = build()  # type: ignore[operator]
    torch.manual_seed(0)
    head = FusedHead(6, partition)
    torch.nn.init.normal_(head.linear.weight)
    features = torch.randn(4, 6)
    with torch.no_grad():
        found = head(features).numpy()
        every = head.linear(features).double().split(head.sizes, dim=1)
    expected = [literal_scores(partition, [part[row].numpy() for part in every]) for row in range(4)]
    np.testing.assert_allclose(found, np.array(expected), atol=1e-4)
    assert all(head.simple) == (build is nested)


def test_of_nesting_cells_the_score_is_the_sum_of_the_losses_of_the_resolutions() -> None:
    partition = nested()
    torch.manual_seed(1)
    head = FusedHead(6, partition)
    torch.nn.init.normal_(head.linear.weight)
    features = torch.randn(len(PLACES), 6)
    cells = torch.from_numpy(partition.encode_each(PLACES))
    targets = Targets(torch.from_numpy(partition.encode(PLACES)), places_tensor(PLACES))
    with torch.no_grad():
        fused = create_loss(LossSection(name="output-logarithm"), LossCells(partition.centres))(
            head(features), targets
        )
        parts = head.linear(features).split(head.sizes, dim=1)
        each = [
            torch.nn.functional.cross_entropy(part, cells[:, number], reduction="none")
            for number, part in enumerate(parts)
        ]
    assert torch.allclose(fused, sum(each), atol=1e-4)  # type: ignore[arg-type]


def test_one_resolution_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"'multi' needs a partition of several resolutions"):
        FusedHead(6, build_s2(PLACES, max_photos=50, min_photos=1))


@pytest.fixture(scope="module")
def cells() -> Partition:
    return build_s2(PLACES, max_photos=20, min_photos=1)


def test_the_box_of_a_cell_holds_its_photos(cells: Partition) -> None:
    sides = sides_of(cells)
    assert (sides >= -1e-9).all()
    cell = cells.encode(PLACES)
    up = PLACES[:, 0] - cells.centres[cell, 0]
    right = (PLACES[:, 1] - cells.centres[cell, 1] + 180) % 360 - 180
    north, east, south, west = (REACH * sides[cell]).T
    assert (up <= north).all()
    assert (-up <= south).all()
    assert (right <= east).all()
    assert (-right <= west).all()


def test_a_cell_around_a_pole_reaches_it_and_all_the_way_round() -> None:
    face = build_s2([[80.0, 20.0]] * 3, max_photos=5, min_photos=1, start_level=0, end_level=0)
    north, east, south, west = sides_of(face)[0]
    assert (north, east, west) == (pytest.approx(10), 180, 180)
    assert south == pytest.approx(80 - np.degrees(np.arcsin(1 / np.sqrt(3))))  # a corner of the cube


def test_offsets_are_asymmetric_and_the_best_cells_place_is_the_answer(cells: Partition) -> None:
    torch.manual_seed(0)
    head = OffsetHead(5, cells)
    torch.nn.init.normal_(head.linear.weight)
    torch.nn.init.normal_(head.offsets.weight)
    features = torch.randn(30, 5)
    with torch.no_grad():
        raw = head(features)
        answer = head.answer(raw, torch.zeros(cells.count))
        logits = head.linear(features).numpy()
        offset = REACH * np.tanh(head.offsets(features).numpy())
    sides = sides_of(cells)
    for row in range(30):
        best = int(logits[row].argmax())
        up, right = offset[row, best], offset[row, cells.count + best]
        latitude = cells.centres[best, 0] + up * sides[best, 0 if up > 0 else 2]
        longitude = cells.centres[best, 1] + right * sides[best, 1 if right > 0 else 3]
        expected = [np.clip(latitude, -90, 90), (longitude + 180) % 360 - 180]
        assert answer.position is not None
        assert great_circle_km(answer.position[row].double().numpy(), expected) < 0.05
        assert answer.probabilities is not None
        assert int(answer.probabilities[row].argmax()) == best


def test_the_loss_looks_into_the_true_cell_and_cell_losses_at_the_scores(cells: Partition) -> None:
    torch.manual_seed(0)
    head = OffsetHead(5, cells)
    raw = head(torch.randn(len(PLACES), 5))
    cell = torch.from_numpy(cells.encode(PLACES))
    targets = Targets(cell, places_tensor(PLACES))
    known = LossCells(cells.centres)
    off = create_loss(LossSection(name="cell-offset"), known)(raw, targets).detach()
    place = place_in(raw, cell, cells.count).detach().double().numpy()
    assert off.numpy() == pytest.approx(great_circle_km(place, PLACES), rel=1e-3, abs=2)
    entropy = create_loss(LossSection(), known)(raw, targets)
    logits = raw[:, : cells.count]
    assert torch.allclose(entropy, torch.nn.functional.cross_entropy(logits, cell, reduction="none"))
    nowhere = Targets(torch.tensor([-1]), places_tensor(PLACES[:1]))
    assert bool(create_loss(LossSection(name="cell-offset"), known)(raw[:1], nowhere).isnan())


def test_offsets_learn_where_in_the_cell_a_photo_is(cells: Partition) -> None:
    """One constant feature, and all photos of a cell halfway from its centre to its northern edge."""
    torch.manual_seed(0)
    head = OffsetHead(1, cells)
    every = np.arange(cells.count)
    places = cells.centres + np.stack([sides_of(cells)[:, 0] / 2, np.zeros(cells.count)], axis=1)
    targets = Targets(torch.from_numpy(every), places_tensor(places))
    loss = create_loss(LossSection(name="cell-offset"), LossCells(cells.centres))
    optimizer = torch.optim.Adam(head.offsets.parameters(), lr=0.02)
    values = []
    for _ in range(200):
        optimizer.zero_grad()
        value = loss(head(torch.ones(cells.count, 1)), targets).mean()
        value.backward()
        optimizer.step()
        values.append(float(value.detach()))
    assert values[-1] < 0.1 * values[0]


@pytest.mark.parametrize("name", ["hybrid", "multi"])
def test_onnx_gives_the_same(name: str) -> None:
    torch.manual_seed(0)
    settings = NetworkSettings(
        BackboneSettings("test_resnet"), head=HeadSettings(name), input=InputSettings(32)
    )
    network = create_network(settings, overlapping()).eval()
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.mul_(30)
    image = torch.rand(12, 3, 32, 32)
    with torch.no_grad():
        expected = dict(zip(network.output_names, (part.numpy() for part in network(image)), strict=True))
    graph = to_onnx(network)
    for weights, allowed, allowed_km in ((graph, 1e-4, 0.1), (halved(graph), 1e-2, 5.0)):
        session = onnxruntime.InferenceSession(weights.SerializeToString())
        found = dict(zip(network.output_names, session.run(None, {"image": image.numpy()}), strict=True))
        assert np.abs(found["probabilities"] - expected["probabilities"]).max() < allowed
        if name == "hybrid":
            off_km = great_circle_km(found["position"].astype(float), expected["position"].astype(float))
            assert np.median(off_km) < allowed_km
