"""Losses against literal references, one loop per sum."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from graticule.errors import RecipeError
from graticule.geo.sphere import great_circle_km
from graticule.partitions import build_s2
from graticule.training.losses import LOSSES, LossCells, Targets, create_loss, places_tensor
from graticule.training.losses.smoothing import clusters_of, nearest_cells
from graticule.training.recipe import LossSection, Recipe
from graticule.training.recipe.files import with_absolute_paths
from graticule.training.recipe.loss import PLACE_LOSSES, LossTerm

# Paris, London, Tokyo, Osaka, Sydney
CENTRES = np.array([[48.86, 2.35], [51.5, -0.12], [35.68, 139.69], [34.69, 135.5], [-33.87, 151.21]])
PLACES = np.array([[48.0, 2.0], [35.0, 139.0], [-33.0, 150.0]])
CELLS = [0, 2, 4]
TARGETS = Targets(torch.tensor(CELLS), places_tensor(PLACES))
SCORES = torch.tensor([[1.0, 0.5, -2.0, 0.1, 0.3], [0.3, 0.0, 1.1, 2.0, -1.0], [0.0, 0.2, -0.4, 0.9, -3.0]])
KM = [[float(great_circle_km(one, other)) for other in CENTRES] for one in CENTRES]
OF_CELLS = [name for name in LOSSES if name not in PLACE_LOSSES]


def log_softmax(row: list[float]) -> list[float]:
    total = math.log(sum(math.exp(value) for value in row))
    return [value - total for value in row]


def losses(section: LossSection, cells: LossCells | None = None, scores: Tensor = SCORES) -> list[float]:
    return create_loss(section, cells or LossCells(CENTRES))(scores, TARGETS).tolist()


def literal(section: LossTerm, row: list[float], cell: int, place: np.ndarray) -> float:
    """The loss of one photo by the letter."""
    logs = log_softmax(row)
    shares = [math.exp(log) for log in logs]
    count = len(row)
    target = [0.0] * count
    match section.name:
        case "cross-entropy":
            for k in range(count):
                target[k] = section.label_smoothing / count
            target[cell] += 1 - section.label_smoothing
        case "output-logarithm":
            return -row[cell]
        case "cluster-smoothed":
            cluster = {0: [0, 1], 1: [0, 1], 2: [2, 3], 3: [2, 3], 4: [4]}[cell]
            others = [k for k in cluster if k != cell]
            target[cell] = section.correct_share if others else 1.0
            for k in others:
                target[k] = (1 - section.correct_share) / len(others)
        case "neighbour-smoothed":
            others = sorted((k for k in range(count) if k != cell), key=lambda k: KM[cell][k])
            target[cell] = section.correct_share
            for k in others[: section.neighbours]:
                target[k] = (1 - section.correct_share) / section.neighbours
        case "haversine-smoothed":
            near = [math.exp(-float(great_circle_km(place, at)) / section.smoothing_km) for at in CENTRES]
            target = [value / sum(near) for value in near]
        case "squared-expected-distance":
            return (sum(shares[k] * KM[cell][k] / section.unit_km for k in range(count))) ** 2
        case "distance-weighted-log":
            return sum(-math.log(1 - shares[k]) * KM[cell][k] / section.unit_km for k in range(count))
    return -sum(target[k] * logs[k] for k in range(count))


SECTIONS = [
    LossSection(),
    LossSection(label_smoothing=0.3),
    LossSection(name="output-logarithm"),
    LossSection(name="cluster-smoothed", clusters=3, correct_share=0.8),
    LossSection(name="neighbour-smoothed"),
    LossSection(name="neighbour-smoothed", neighbours=2, correct_share=0.7),
    LossSection(name="haversine-smoothed", smoothing_km=300.0),
    LossSection(name="squared-expected-distance"),
    LossSection(name="squared-expected-distance", unit_km=1000.0),
    LossSection(name="distance-weighted-log", unit_km=100.0),
]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)
def test_each_loss_is_its_literal_version(section: LossSection) -> None:
    rows = zip(SCORES.tolist(), CELLS, PLACES, strict=True)
    expected = [literal(section, row, cell, place) for row, cell, place in rows]
    assert losses(section) == pytest.approx(expected, rel=1e-4)


def test_every_loss_has_a_literal_version() -> None:
    assert {section.name for section in SECTIONS} == set(OF_CELLS)


def test_terms_are_added_by_their_weights() -> None:
    """S2, equation 2: the squared expected distance plus the cross-entropy."""
    terms = ({"weight": 0.5}, {"name": "squared-expected-distance", "unit_km": 1000, "weight": 2})
    both = losses(LossSection(terms=terms))  # type: ignore[arg-type]
    entropy = losses(LossSection())
    squares = losses(LossSection(name="squared-expected-distance", unit_km=1000))
    expected = [0.5 * one + 2 * other for one, other in zip(entropy, squares, strict=True)]
    assert both == pytest.approx(expected, rel=1e-6)


def test_haversine_smoothing_forgives_a_neighbour_and_not_the_other_side_of_the_world() -> None:
    loss = create_loss(LossSection(name="haversine-smoothed", smoothing_km=300.0), CENTRES[:3])
    paris = Targets(TARGETS.cells[:1], TARGETS.places[:1])
    london, tokyo = (loss(torch.tensor([row]), paris) for row in ([0.0, 5.0, 0.0], [0.0, 0.0, 5.0]))
    plain = create_loss(LossSection(), CENTRES[:3])
    assert london < tokyo
    assert plain(torch.tensor([[0.0, 5.0, 0.0]]), paris) == plain(torch.tensor([[0.0, 0.0, 5.0]]), paris)


@pytest.mark.parametrize("name", OF_CELLS)
def test_losses_have_a_finite_gradient_at_antipodes_and_on_the_spot(name: str) -> None:
    centres = np.array([[0.0, 0.0], [0.0, 180.0]])
    scores = torch.zeros(1, 2, requires_grad=True)
    targets = Targets(torch.tensor([0]), places_tensor(np.array([[0.0, 0.0]])))
    section = LossSection(name=name, clusters=2, neighbours=1)  # type: ignore[arg-type]
    create_loss(section, centres)(scores, targets).backward()
    assert torch.isfinite(scores.grad).all()
    assert scores.grad[0, 0] < 0 or name == "distance-weighted-log"
    assert scores.grad[0, 0] <= scores.grad[0, 1]


@pytest.mark.parametrize("name", OF_CELLS)
@pytest.mark.parametrize("sure_of", [0, 1])
def test_losses_and_gradients_are_finite_however_sure_the_network_is(name: str, sure_of: int) -> None:
    scores = torch.zeros(1, 5)
    scores[0, sure_of] = 200.0
    scores.requires_grad_()
    targets = Targets(torch.tensor([0]), places_tensor(CENTRES[:1]))
    loss = create_loss(LossSection(name=name, clusters=2), CENTRES)(scores, targets)  # type: ignore[arg-type]
    loss.backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(scores.grad).all()


def test_the_rest_of_a_sure_network_is_summed_and_not_rounded_to_nothing() -> None:
    """S2's third loss: -log(1 - p) of a cell that is wrong and has p = 1 - e^-40."""
    scores = torch.tensor([[0.0, 40.0]], dtype=torch.float32)
    targets = Targets(torch.tensor([0]), places_tensor(CENTRES[:1]))
    section = LossSection(name="distance-weighted-log", unit_km=KM[0][1])
    assert create_loss(section, CENTRES[:2])(scores, targets).item() == pytest.approx(40.0, rel=1e-5)


def test_great_circle_in_km_at_the_antimeridian_and_the_poles() -> None:
    places = np.array([[10.0, 179.5], [89.0, 0.0], [-90.0, 20.0], [48.86, 2.35]])
    said = np.array([[10.0, -179.5], [89.0, 180.0], [-90.0, -70.0], [35.68, 139.69]])
    loss = create_loss(LossSection(name="great-circle"), CENTRES)
    targets = Targets(torch.full((4,), -1), places_tensor(places))
    found = loss(torch.from_numpy(said).float(), targets)
    assert found.numpy() == pytest.approx(great_circle_km(places, said), rel=1e-4, abs=2.0)
    in_radii = create_loss(LossSection(name="great-circle", unit_km=6371.0), CENTRES)
    torch.testing.assert_close(in_radii(torch.from_numpy(said).float(), targets), found / 6371.0)


@pytest.mark.parametrize("said", [[0.0, 0.0], [0.0, 180.0], [0.0, -180.0], [1e-6, 0.0], [90.0, 0.0]])
def test_great_circle_has_a_finite_gradient_on_the_spot_and_at_the_antipode(said: list[float]) -> None:
    degrees = torch.tensor([said], requires_grad=True)
    targets = Targets(torch.tensor([0]), places_tensor(np.array([[0.0, 0.0]])))
    loss = create_loss(LossSection(name="great-circle"), CENTRES)(degrees, targets)
    loss.backward()
    assert torch.isfinite(loss).all()
    assert torch.isfinite(degrees.grad).all()
    assert degrees.grad.norm() <= 111.3  # km per degree


def test_great_circle_leads_to_the_photo_over_the_antimeridian() -> None:
    degrees = torch.tensor([[0.0, 179.0]], requires_grad=True)
    targets = Targets(torch.tensor([0]), places_tensor(np.array([[0.0, -179.0]])))
    create_loss(LossSection(name="great-circle"), CENTRES)(degrees, targets).backward()
    assert degrees.grad[0, 1].item() == pytest.approx(-111.19, rel=1e-3)  # eastwards, a degree is 111 km


def test_uncovered_photos_say_nothing_unless_distance_speaks_for_them() -> None:
    targets = Targets(torch.tensor([0, -1, 4]), TARGETS.places)
    for name in OF_CELLS:
        section = LossSection(name=name, clusters=2)  # type: ignore[arg-type]
        silent = create_loss(section, CENTRES)(SCORES, targets).isnan().tolist()
        assert silent == [False, name != "haversine-smoothed", False]


def test_no_loss_needs_all_cells_against_all_cells() -> None:
    """20,000 cells against each other are 1.6 GB in float32; no loss keeps or makes more than a few rows."""
    cells = 20_000
    rng = np.random.default_rng(0)
    centres = np.column_stack([rng.uniform(-80, 80, cells), rng.uniform(-180, 180, cells)])
    known = LossCells(centres, np.ones(cells, dtype=np.int64))
    targets = Targets(torch.tensor([3, 17]), places_tensor(centres[[3, 17]]))
    for name in OF_CELLS:
        section = LossSection(name=name, clusters=4)  # type: ignore[arg-type]
        kept: list[int] = []

        def pack(tensor: Tensor, kept: list[int] = kept) -> Tensor:
            kept.append(tensor.numel())
            return tensor

        scores = torch.zeros(2, cells, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            create_loss(section, known)(scores, targets).sum().backward()
        assert max(kept) <= 4 * cells


def test_nearest_cells() -> None:
    expected = [sorted((k for k in range(5) if k != cell), key=lambda k: KM[cell][k]) for cell in range(5)]
    assert nearest_cells(CENTRES, 3).tolist() == [row[:3] for row in expected]
    assert nearest_cells(CENTRES, 9).shape == (5, 4)
    same = np.array([[1.0, 1.0]] * 3 + [[2.0, 2.0]])
    found = nearest_cells(same, 2)
    assert all(cell not in row for cell, row in enumerate(found.tolist()))
    assert nearest_cells(CENTRES[:1], 3).shape == (1, 0)


def test_clusters_by_number_and_by_partition(tmp_path: Path) -> None:
    cells = LossCells(CENTRES)
    by_place = clusters_of(LossTerm(name="cluster-smoothed", clusters=3), cells)
    assert by_place[0] == by_place[1] != by_place[2] == by_place[3] != by_place[4] != by_place[0]
    halves = build_s2(
        np.repeat(CENTRES[:4], 10, axis=0), max_photos=100, min_photos=1, start_level=2
    )  # the coarsest cells with photos; Sydney lies in none
    path = halves.write(tmp_path / "faces.parquet")
    by_file = clusters_of(LossTerm(name="cluster-smoothed", clusters=path), cells)
    faces = halves.encode(CENTRES)
    assert (by_file[:4, None] == by_file[None, :4]).tolist() == (faces[:4, None] == faces[None, :4]).tolist()
    assert (by_file == by_file[4]).sum() == 1


def test_clusters_that_cannot_be_are_refused() -> None:
    with pytest.raises(RecipeError, match="needs clusters: so many by place"):
        losses(LossSection(name="cluster-smoothed"))
    with pytest.raises(RecipeError, match="9 clusters of 5 cells"):
        losses(LossSection(name="cluster-smoothed", clusters=9))


def test_validation_measures_without_smoothing_and_weights() -> None:
    cells = LossCells(CENTRES, np.array([1, 2, 3, 4, 5]))
    plain = losses(LossSection())
    for changes in (
        {"label_smoothing": 0.2},
        {"name": "cluster-smoothed", "clusters": 2},
        {"name": "neighbour-smoothed"},
        {"class_weights": {"by": "inverse-frequency"}},
        {"terms": [{"label_smoothing": 0.2}]},
    ):
        section = LossSection.model_validate(changes)
        assert losses(section, cells) != pytest.approx(plain, rel=1e-3)
        assert losses(section.for_validation(), cells) == pytest.approx(plain, rel=1e-5)


def test_the_path_of_clusters_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    values = {
        "network": {"backbone": {"name": "test_resnet"}},
        "loss": {"terms": [{"clusters": "c.parquet"}]},
    }
    phases = [{"name": "all", "epochs": 1, "learning_rate": 0.1}]
    recipe = with_absolute_paths(Recipe.model_validate({**values, "phases": phases}))
    assert recipe.loss.terms[0].clusters == tmp_path / "c.parquet"


def test_the_bare_output_needs_a_head_that_has_one() -> None:
    values = {
        "network": {"backbone": {"name": "test_resnet"}, "head": "mc"},
        "loss": {"name": "output-logarithm"},
    }
    phases = [{"name": "all", "epochs": 1, "learning_rate": 0.1}]
    with pytest.raises(ValidationError, match=r"set network\.head to hmc or hmc-sol"):
        Recipe.model_validate({**values, "phases": phases})


def test_sections_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValidationError, match="with 'terms', 'smoothing_km' belongs to one of them"):
        LossSection.model_validate({"terms": [{}], "smoothing_km": 10})
    with pytest.raises(ValidationError, match="clusters: at least 1"):
        LossSection.model_validate({"name": "cluster-smoothed", "clusters": 0})
    assert LossSection.model_validate(LossSection(terms=(LossTerm(),)).model_dump()).terms == (LossTerm(),)
