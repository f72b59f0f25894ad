"""Occlusion against a literal loop; the tenth of its cost; what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from graticule.bundle import read_bundle
from graticule.errors import UsageError
from graticule.explanations.coarse_to_fine import can_be_coarse, coarse_budget, coarse_to_fine
from graticule.explanations.occlusion import (
    FILLS,
    Fill,
    OcclusionSettings,
    filled,
    occlusion,
    occlusion_drops,
    patch_starts,
)
from graticule.explanations.targets import Target
from graticule.inference import Model, load_model


@pytest.fixture(scope="module")
def colours(colour_bundle: Path) -> Model:
    return Model(read_bundle(colour_bundle), threads=2)


@pytest.fixture(scope="module")
def square() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def probabilities(square: np.ndarray) -> np.ndarray:
    """What the network of ``colour_bundle`` says, by hand: softmax of 20 times the mean colour."""
    logits = 20 * square.reshape(-1, 3).mean(axis=0) / 255
    return np.exp(logits) / np.exp(logits).sum()


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize(("patch", "stride"), [(3, 2), (4, 4), (8, 1), (1, 3)])
def test_it_is_what_a_literal_loop_gives(
    colours: Model, square: np.ndarray, fill: Fill, patch: int, stride: int
) -> None:
    cell = int(probabilities(square).argmax())
    cover = {
        "grey": np.full_like(square, 128),
        "mean": np.broadcast_to(square.reshape(-1, 3).mean(axis=0).round(), square.shape),
        "blur": np.asarray(Image.fromarray(square).filter(ImageFilter.GaussianBlur(patch / 2))),
    }[fill]
    total, covered = np.zeros((8, 8)), np.zeros((8, 8))
    starts = sorted({*range(0, 8 - patch + 1, stride), 8 - patch})
    for row in starts:
        for column in starts:
            picture = square.copy()
            picture[row : row + patch, column : column + patch] = cover[
                row : row + patch, column : column + patch
            ]
            drop = np.log(probabilities(square)[cell]) - np.log(probabilities(picture)[cell])
            total[row : row + patch, column : column + patch] += drop
            covered[row : row + patch, column : column + patch] += 1
    found = occlusion(
        colours, square, settings=OcclusionSettings(patch_px=patch, stride_px=stride, fill=fill)
    )
    expected = np.where(covered > 0, total / np.maximum(covered, 1), 0)
    np.testing.assert_allclose(found.values, expected, atol=2e-5)
    assert found.passes == len(starts) ** 2 + 1
    assert found.score == pytest.approx(np.log(probabilities(square)[cell]), abs=1e-5)
    assert found.weights.tolist() == np.eye(3)[cell].tolist()


def test_a_contrast_is_the_difference_of_two(colours: Model, square: np.ndarray) -> None:
    settings = OcclusionSettings(patch_px=2, stride_px=2)
    drops = [
        occlusion_drops(colours, square, Target("", np.array(weights, dtype=float)), settings).drops
        for weights in ([1, 0, 0], [0, 1, 0], [1, -1, 0])
    ]
    np.testing.assert_allclose(drops[2], drops[0] - drops[1], atol=1e-5)


def test_calibration_is_what_the_model_states(
    colour_bundle: Path, square: np.ndarray, tmp_path: Path
) -> None:
    bundle = read_bundle(colour_bundle)
    card = bundle.card.model_copy(update={"temperature": 4.0})
    soft = Model(type(bundle)(card, bundle.partition, bundle.model_onnx, ""))
    settings = OcclusionSettings(patch_px=4, stride_px=4)
    found = occlusion(soft, square, settings=settings)
    logits = 5 * square.reshape(-1, 3).mean(axis=0) / 255
    assert found.score == pytest.approx(float(np.max(logits) - np.log(np.exp(logits).sum())), abs=1e-5)


def test_where_nothing_matters_nothing_is_said(colours: Model) -> None:
    grey = np.full((8, 8, 3), 128, dtype=np.uint8)
    assert not occlusion(colours, grey, settings=OcclusionSettings(patch_px=2, stride_px=1)).values.any()


def test_a_tenth_of_the_places_finds_what_matters() -> None:
    model = load_model()
    square = np.full((224, 224, 3), 120, dtype=np.uint8)
    square[30:90, 120:200] = np.random.default_rng(0).integers(0, 256, (60, 80, 3))
    settings = {"patch_px": 32, "stride_px": 16}
    full = occlusion(model, square, settings=OcclusionSettings(**settings))
    seen: list[tuple[int, int]] = []
    fast = occlusion(
        model,
        square,
        settings=OcclusionSettings(**settings, coarse=True),
        on_progress=lambda done, of: seen.append((done, of)),
    )
    assert full.passes == 13 * 13 + 1
    assert fast.passes <= coarse_budget(13) + 1 == 17
    assert seen[-1][0] <= seen[-1][1] == 16
    assert np.corrcoef(full.values.ravel(), fast.values.ravel())[0, 1] > 0.5


@pytest.mark.parametrize("count", [7, 8, 25, 60])
def test_coarse_to_fine_asks_for_a_tenth_each_once(count: int) -> None:
    asked: list[tuple[int, int]] = []

    def look(places: np.ndarray) -> np.ndarray:
        asked.extend(map(tuple, places.tolist()))
        return np.sin(places[:, 0] / 5.0) + places[:, 1] ** 2

    values = coarse_to_fine(look, count)
    assert np.isfinite(values).all()
    assert len(asked) == len(set(asked)) <= coarse_budget(count) <= count * count / 10
    for row, column in asked:
        assert values[row, column] == pytest.approx(np.sin(row / 5.0) + column**2)


def test_few_places_are_all_looked_at(colours: Model, square: np.ndarray) -> None:
    assert not can_be_coarse(6)
    settings = OcclusionSettings(patch_px=8, stride_px=8, coarse=True)
    assert occlusion(colours, square, settings=settings).passes == 2


def test_patches_reach_both_edges() -> None:
    assert patch_starts(224, 32, 8).tolist() == list(range(0, 193, 8))
    assert patch_starts(10, 10, 3).tolist() == [0]
    assert patch_starts(10, 3, 100).tolist() == [0, 7]


def test_fills(square: np.ndarray) -> None:
    assert (filled(square, "grey", 3) == 128).all()
    assert np.ptp(filled(square, "mean", 3).reshape(-1, 3), axis=0).tolist() == [0, 0, 0]
    assert filled(square, "blur", 3).std() < square.std()


def test_wrong_settings_say_what_to_take(colours: Model, square: np.ndarray) -> None:
    with pytest.raises(UsageError, match=r"at least 1 pixel; got 0 and 8"):
        OcclusionSettings(patch_px=0)
    with pytest.raises(UsageError, match=r"no fill 'black'\. Expected one of: grey, blur, mean"):
        OcclusionSettings(fill="black")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="32 px does not fit the square of 8 px"):
        occlusion(colours, square)


def test_a_map_is_a_small_array_in_json(colours: Model, square: np.ndarray) -> None:
    found = occlusion(colours, square, settings=OcclusionSettings(patch_px=2, stride_px=2))
    document = json.loads(json.dumps(found.to_dict(side=4)))
    assert np.array(document["values"]).shape == (4, 4)
    assert document["unit"] == "nats"
    assert "log-probability" in document["meaning"]
