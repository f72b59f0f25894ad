"""Places as tensors, point heads and the mixture, against literal references and at odd places."""

from __future__ import annotations

import math

import numpy as np
import onnxruntime
import pytest
import torch

from graticule.geo.sphere import great_circle_km, latlon_of, unit_vectors
from graticule.models import (
    BackboneSettings,
    HeadSettings,
    InputSettings,
    NetworkSettings,
    create_network,
)
from graticule.models.heads.mixture import KAPPA_MAX, MixtureHead, log_normaliser, mixture_of
from graticule.models.heads.positions import (
    PointHead,
    degrees_of,
    place_vectors,
    spread_vectors,
    vectors_of,
)
from graticule.partitions import Partition, build_s2
from graticule.training.exporting.onnx_graph import halved, to_onnx

ODD = np.array(
    [[90.0, 0.0], [-90.0, 0.0], [0.0, 180.0], [0.0, -180.0], [0.0, 0.0], [52.5, 13.4], [-33.9, 151.2]]
)


def test_vectors_and_degrees_are_those_of_geo() -> None:
    latlon = torch.from_numpy(ODD)
    assert vectors_of(latlon).numpy() == pytest.approx(unit_vectors(ODD), abs=1e-12)
    found = degrees_of(3.0 * vectors_of(latlon)).numpy()
    assert great_circle_km(found, latlon_of(unit_vectors(ODD))).max() < 1e-6


def test_the_regression_head_is_three_linear_layers_with_relu_and_tanh() -> None:
    torch.manual_seed(0)
    head = PointHead(12, form="degrees", hidden=(7, 5))
    first, _, second, _, third = head.layers.children()
    features = torch.randn(6, 12)
    with torch.no_grad():
        shares = torch.tanh(third(torch.relu(second(torch.relu(first(features))))))
        expected = shares * torch.tensor([90.0, 180.0])
        raw = head(features)
        position = head.answer(raw, torch.zeros(1)).position
    assert torch.allclose(raw, expected)
    assert position is not None
    assert torch.equal(position, raw)
    assert place_vectors(raw).numpy() == pytest.approx(unit_vectors(position.double().numpy()), abs=1e-5)


def test_on_the_sphere_there_is_no_seam() -> None:
    head = PointHead(2, form="sphere", hidden=())
    raw = torch.tensor([[-5.0, 1e-4, 0.0], [-5.0, -1e-4, 0.0], [0.0, 0.0, 9.0]])
    position = head.answer(raw, torch.zeros(1)).position
    assert position is not None
    west, east, pole = position.double().numpy()
    assert great_circle_km(west, east) < 0.3
    assert abs(west[1] - east[1]) > 359.9
    assert pole[0] == pytest.approx(90.0)


def test_spread_vectors_cover_the_sphere() -> None:
    vectors = spread_vectors(200)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(200), atol=1e-6)
    nearest = (vectors @ vectors.T - 3 * torch.eye(200)).max(dim=1).values.clamp(max=1).acos()
    assert nearest.min() > 0.5 * nearest.max()


@pytest.mark.parametrize("kappa", [0.0, 1e-6, 1e-3, 9.99e-3, 1e-2, 1.0, 30.0, 1e3, KAPPA_MAX])
def test_the_density_is_that_of_the_textbook_and_integrates_to_1(kappa: float) -> None:
    exact = np.longdouble(kappa)
    literal = (
        1 / (4 * np.pi) if kappa == 0 else exact / (2 * np.pi * -np.expm1(-2 * exact))
    )  # kappa / (4 pi sinh kappa) * exp(kappa)
    given = torch.tensor(kappa, requires_grad=True)
    found = log_normaliser(given)
    found.backward()
    assert float(found.detach()) == pytest.approx(float(np.log(literal)), abs=2e-6)
    assert given.grad is not None
    assert math.isfinite(given.grad)
    height = np.unique(np.concatenate([1 - np.geomspace(1e-12, 2, 200_000), [1.0]]))
    density = float(literal) * np.exp(kappa * (height - 1))
    assert 2 * np.pi * np.trapezoid(density, height) == pytest.approx(1, rel=1e-4)


def test_kappa_stays_in_its_range_and_keeps_a_gradient() -> None:
    raw = torch.zeros(7, 5)
    raw[:, 1] = 1
    raw[:, 4] = torch.tensor([-200.0, -20.0, 0.0, 5.0, 11.0, 13.0, 100.0])
    raw.requires_grad_()
    kappa = mixture_of(raw).kappa
    assert kappa.min() >= 0
    assert kappa.max() <= KAPPA_MAX * 1.0001
    assert float(kappa[2].detach()) == pytest.approx(1.0, rel=1e-4)
    kappa.sum().backward()
    assert raw.grad is not None
    assert bool(torch.isfinite(raw.grad).all())
    assert bool((raw.grad[1:6, 4] > 0).all())


def literal_log_density(raw: np.ndarray, place: np.ndarray) -> float:
    """Component by component in double precision."""
    weights = np.exp(raw[:, 0] - raw[:, 0].max())
    total = 0.0
    for share, numbers in zip(weights / weights.sum(), raw, strict=True):
        mu = numbers[1:4] / np.linalg.norm(numbers[1:4])
        limit = np.log(KAPPA_MAX)
        kappa = np.exp(limit - np.log1p(np.exp(limit - numbers[4])))
        normal = kappa / (2 * np.pi * (1 - np.exp(-2 * kappa)))
        total += share * normal * np.exp(-kappa * ((mu - place) ** 2).sum() / 2)
    return float(np.log(total))


def test_the_mixture_is_the_sum_of_its_parts() -> None:
    generator = np.random.default_rng(4)
    raw = generator.normal(size=(9, 3, 5)) * [1, 1, 1, 1, 3]
    places = unit_vectors(np.stack([generator.uniform(-90, 90, 9), generator.uniform(-180, 180, 9)], axis=1))
    found = mixture_of(torch.from_numpy(raw).flatten(1)).log_density(
        torch.from_numpy(places)[:, None].float()
    )
    expected = [literal_log_density(one, place) for one, place in zip(raw, places, strict=True)]
    assert found.squeeze(1).numpy() == pytest.approx(expected, abs=1e-3, rel=1e-4)


@pytest.fixture(scope="module")
def partition() -> Partition:
    generator = np.random.default_rng(0)
    places = np.concatenate([generator.normal(at, 4, (60, 2)) for at in ([48, 10], [-30, 140], [10, -179])])
    return build_s2(places, max_photos=20, min_photos=2)


def test_cells_get_density_times_area(partition: Partition) -> None:
    torch.manual_seed(1)
    head = MixtureHead(4, partition, components=3, hidden=()).eval()
    raw = torch.zeros(1, 15)
    raw[0, 1:4] = torch.from_numpy(unit_vectors([50.0, 5.0]))
    raw[0, 4] = math.log(40.0)
    raw[0, [5, 10]] = -50.0  # the other components weigh nothing
    raw[0, [8, 13]] = 1.0
    answer = head.answer(raw, torch.zeros(partition.count))
    assert answer.probabilities is not None
    assert answer.position is not None
    # The same integral by a dense sample of the whole sphere.
    sample = spread_vectors(400_000).double().numpy()
    density = np.exp(40 * (sample @ unit_vectors([50.0, 5.0]) - 1))
    cells = partition.encode(latlon_of(sample))
    mass = np.bincount(cells[cells >= 0], weights=density[cells >= 0], minlength=partition.count)
    assert answer.probabilities[0].numpy() == pytest.approx(mass / mass.sum(), abs=0.06)
    assert int(answer.probabilities[0].argmax()) == int(mass.argmax())
    assert great_circle_km(answer.position[0].double().numpy(), [50.0, 5.0]) < 0.1


def test_a_needle_puts_its_cell_first(partition: Partition) -> None:
    head = MixtureHead(4, partition, components=2, hidden=())
    cell = partition.count // 2
    raw = torch.zeros(1, 10)
    raw[0, 1:4], raw[0, 4] = head.points[cell, 0], 40.0
    raw[0, 5], raw[0, 8] = -50.0, 1.0
    answer = head.answer(raw, torch.zeros(partition.count))
    assert answer.probabilities is not None
    assert float(answer.probabilities[0, cell]) > 0.99
    assert bool(torch.isfinite(answer.probabilities).all())


def test_at_the_start_the_mixture_is_spread_over_the_earth(partition: Partition) -> None:
    torch.manual_seed(0)
    head = MixtureHead(32, partition, components=16)
    mixture = mixture_of(head(torch.randn(20, 32)))
    nothing = math.log(4 * math.pi)
    loss = -mixture.log_density(spread_vectors(500)).mean()
    assert float(loss.detach()) == pytest.approx(nothing, abs=0.5)


@pytest.mark.parametrize("name", ["regression", "unit-sphere", "von-mises-fisher"])
def test_onnx_gives_the_same(name: str, partition: Partition) -> None:
    torch.manual_seed(2)
    settings = NetworkSettings(
        BackboneSettings("test_resnet"),
        head=HeadSettings(name, hidden=(8,), components=4),
        input=InputSettings(size_px=32),
    )
    network = create_network(settings, partition).eval()
    with torch.no_grad():
        for parameter in network.head.parameters():
            parameter.mul_(3)
    image = torch.rand(16, 3, 32, 32)
    with torch.no_grad():
        expected = dict(zip(network.output_names, network(image), strict=True))
    graph = to_onnx(network)
    for weights, allowed_km, allowed_share in ((graph, 0.01, 1e-4), (halved(graph), 25, 5e-3)):
        session = onnxruntime.InferenceSession(weights.SerializeToString())
        found = dict(zip(network.output_names, session.run(None, {"image": image.numpy()}), strict=True))
        off_km = great_circle_km(found["position"].astype(float), expected["position"].double().numpy())
        assert off_km.max() < allowed_km
        if "probabilities" in expected:
            difference = np.abs(found["probabilities"] - expected["probabilities"].numpy()).max()
            assert difference < allowed_share
