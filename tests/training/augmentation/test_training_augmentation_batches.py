"""Steps on batches: what they do to pixels, and that a photo's own seed decides."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from graticule.training.augmentation import POLICIES, mix, vary_batch
from graticule.training.augmentation.batches import JITTER
from graticule.training.augmentation.colours import (
    auto_contrast,
    contrast,
    equalise,
    jitter,
    saturation,
    solarise,
)
from graticule.training.augmentation.draws import normals, uniforms
from graticule.training.augmentation.geometry import quarter_turns, rotate, shear, translate
from graticule.training.augmentation.randaugment import CHANGES, RATE, randaugment
from graticule.training.recipe import AugmentationSection


def settings(policy: str, **changes: object) -> AugmentationSection:
    return AugmentationSection.model_validate({"policy": policy, "region": (0.5, 0, 1, 1), **changes})


def seeds(count: int, first: int = 1000) -> torch.Tensor:
    return torch.arange(first, first + count)


def photos(count: int, side: int = 12) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_draws_are_uniform_and_a_photos_own() -> None:
    draws = uniforms(seeds(20_000), 2)
    assert float(draws.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(draws.var()) == pytest.approx(1 / 12, abs=0.002)
    assert abs(float(np.corrcoef(draws[:, 0], draws[:, 1])[0, 1])) < 0.02
    assert abs(float(np.corrcoef(draws[1:, 0], draws[:-1, 0])[0, 1])) < 0.02  # neighbouring seeds
    assert torch.equal(uniforms(seeds(5)[2:3], 2)[0], uniforms(seeds(5), 2)[2])
    assert not torch.equal(uniforms(seeds(5), 1, stream=1), uniforms(seeds(5), 1, stream=2))
    found = normals(seeds(20_000), 1)
    assert float(found.mean()) == pytest.approx(0, abs=0.03)
    assert float(found.std()) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_photo_becomes_the_same_in_any_batch(policy: str) -> None:
    image, section = photos(8), settings(policy)
    varied = vary_batch(image, seeds(8), section)
    assert varied.shape == image.shape
    assert float(varied.min()) >= -1e-6
    assert float(varied.max()) <= 1 + 1e-6
    order = torch.tensor([5, 2, 7])
    assert torch.allclose(vary_batch(image[order], seeds(8)[order], section), varied[order], atol=1e-6)
    moved = vary_batch(image, seeds(8, 5000), section)
    assert torch.equal(moved, varied) == (not POLICIES[policy].steps)


def test_flips_are_half_of_the_photos_and_exact() -> None:
    image = photos(200)
    varied = vary_batch(image, seeds(200), settings("crop-flip"))
    flipped = [torch.equal(after, before.flip(-1)) for after, before in zip(varied, image, strict=True)]
    kept = [torch.equal(after, before) for after, before in zip(varied, image, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 70 < sum(flipped) < 130


def test_jitter_keeps_greys_grey_and_the_range() -> None:
    grey = torch.rand(50, 1, 5, 5).expand(-1, 3, -1, -1)
    varied = vary_batch(grey, seeds(50), settings("crop-jitter"))
    assert (varied.amax(dim=1) - varied.amin(dim=1)).max() < 1e-5
    flat = vary_batch(torch.full((200, 3, 2, 2), 0.5), seeds(200), settings("crop-jitter"))
    assert flat.min() >= 0.5 * (1 - JITTER) - 1e-6
    assert flat.max() <= 0.5 * (1 + JITTER) + 1e-6
    assert flat.std() > 0.05


def test_colours_are_those_of_torchvision() -> None:
    image = photos(4) * 0.6 + 0.1
    two = torch.full((4,), 1.3)
    assert torch.allclose(contrast(image, two).clamp(0, 1), reference.adjust_contrast(image, 1.3), atol=3e-3)
    assert torch.allclose(
        saturation(image, two).clamp(0, 1), reference.adjust_saturation(image, 1.3), atol=3e-3
    )
    assert torch.allclose(auto_contrast(image), reference.autocontrast(image), atol=1e-5)
    assert auto_contrast(torch.full((1, 3, 4, 4), 0.5)).unique().tolist() == [0.5]
    levels = (image * 255).round().to(torch.uint8)
    assert torch.equal((equalise(image) * 255).round().to(torch.uint8), reference.equalize(levels))
    none = torch.zeros(4)
    assert torch.allclose(solarise(image, none, none + 0.4), reference.solarize(image, 0.4))
    assert torch.allclose(jitter(image, torch.ones(4, 3)), image, atol=1e-6)


def test_geometry_by_hand() -> None:
    image = photos(3, side=8)
    for turns in range(4):
        by_turns = quarter_turns(image, torch.full((3,), turns))
        assert torch.equal(by_turns, torch.rot90(image, turns, dims=(2, 3)))
        assert torch.allclose(rotate(image, torch.full((3,), 90.0 * turns)), by_turns, atol=1e-5)
    quarter, none = torch.full((3,), 0.25), torch.zeros(3)
    moved = translate(image, quarter, none)  # two of eight columns to the right, mirrored behind
    assert torch.allclose(moved[..., 2:], image[..., :-2], atol=1e-5)
    assert torch.allclose(moved[..., :2], image[..., :2].flip(-1), atol=1e-5)
    assert torch.allclose(translate(image, none, quarter)[..., 2:, :], image[..., :-2, :], atol=1e-5)
    assert torch.allclose(shear(image, none, none), image, atol=1e-5)
    dot = torch.zeros(1, 3, 9, 9)
    dot[..., 0, 4] = 1  # above the middle
    assert int(shear(dot, torch.tensor([0.5]), torch.tensor([0.0]))[0, 0, 0].argmax()) == 6  # half of 4 rows


def test_randaugment_leaves_few_photos_and_grows_with_its_magnitude() -> None:
    image = photos(400)
    assert len(CHANGES) == 10
    varied = randaugment(image, seeds(400), layers=2, magnitude=0.15)
    same = sum(torch.equal(a, b) for a, b in zip(varied, image, strict=True)) / 400
    assert same == pytest.approx((1 - RATE) ** 2, abs=0.02)
    assert torch.equal(randaugment(image, seeds(400), layers=0, magnitude=0.15), image)
    weak = (randaugment(image, seeds(400), layers=1, magnitude=0.05) - image).abs().mean()
    strong = (randaugment(image, seeds(400), layers=1, magnitude=0.6) - image).abs().mean()
    assert weak < strong


def test_one_of_three_leaves_half_of_the_photos_and_turns_exactly() -> None:
    image = photos(600)
    varied = vary_batch(image, seeds(600), settings("rotate90-flip-colour"))
    counts = {"same": 0, "turned": 0, "flipped": 0, "coloured": 0}
    for after, before in zip(varied, image, strict=True):
        if torch.equal(after, before):
            counts["same"] += 1
        elif any(torch.equal(after, torch.rot90(before, turns, dims=(1, 2))) for turns in (1, 2, 3)):
            counts["turned"] += 1
        elif any(torch.equal(after, before.flip(axis)) for axis in (-1, -2)):
            counts["flipped"] += 1
        else:
            counts["coloured"] += 1
    assert counts["same"] / 600 == pytest.approx(0.5, abs=0.06)
    for change in ("turned", "flipped", "coloured"):
        assert counts[change] / 600 == pytest.approx(1 / 6, abs=0.05), counts


def test_a_mixture_is_a_permutation_and_a_share() -> None:
    def generator(seed: int = 0) -> torch.Generator:
        return torch.Generator().manual_seed(seed)

    partner, share = mix(10, 0.2, generator())
    assert sorted(partner.tolist()) == list(range(10))
    assert 0 <= share <= 1
    again, share_again = mix(10, 0.2, generator())
    assert (again.tolist(), share_again) == (partner.tolist(), share)
    shares = [mix(2, 0.2, generator(seed))[1] for seed in range(200)]
    assert 0.35 < np.mean(shares) < 0.65
    assert np.mean([min(s, 1 - s) < 0.1 for s in shares]) > 0.5  # Beta(0.2, 0.2) lies at its ends
