"""Random crops, flips, colours, mixtures: what they do to pixels, and that a seed fixes them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from graticule.training.augmentation import JITTER, POLICIES, Policy, mix, random_crop, vary_batch


def ramp(width: int = 80, height: int = 60) -> Image.Image:
    """Red grows to the right, green downwards."""
    red = np.tile(np.linspace(0, 255, width), (height, 1))
    green = np.tile(np.linspace(0, 255, height)[:, None], (1, width))
    return Image.fromarray(np.stack([red, green, red * 0], axis=-1).astype(np.uint8))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_a_crop_is_a_part_of_at_least_the_asked_area() -> None:
    for seed in range(50):
        part = random_crop(ramp(), size_px=16, min_area=0.5, seed=seed).astype(float)
        assert part.shape == (16, 16, 3)
        wide = (part[:, -1, 0] - part[:, 0, 0]).mean() / 255 * 16 / 15
        high = (part[-1, :, 1] - part[0, :, 1]).mean() / 255 * 16 / 15
        assert 0.45 < wide * high < 1.05
        assert wide > 0  # never mirrored


def test_a_seed_fixes_the_crop() -> None:
    first, again, other = (random_crop(ramp(), size_px=16, min_area=0.3, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_very_long_photo_still_gives_a_square() -> None:
    assert random_crop(ramp(400, 10), size_px=8, min_area=0.9, seed=0).shape == (8, 8, 3)


def test_flips_are_half_of_the_photos_and_exact() -> None:
    image = torch.rand(200, 3, 4, 4)
    varied = vary_batch(image, Policy(crop=False, flip=True), generator())
    flipped = [torch.equal(after, before.flip(-1)) for after, before in zip(varied, image, strict=True)]
    kept = [torch.equal(after, before) for after, before in zip(varied, image, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 70 < sum(flipped) < 130


def test_jitter_keeps_colours_valid_and_greys_grey() -> None:
    grey = torch.rand(50, 1, 5, 5).expand(-1, 3, -1, -1)
    varied = vary_batch(grey, Policy(crop=False, jitter=True), generator())
    assert varied.min() >= 0
    assert varied.max() <= 1
    assert (varied.amax(dim=1) - varied.amin(dim=1)).max() < 1e-5
    flat = vary_batch(torch.full((200, 3, 2, 2), 0.5), Policy(crop=False, jitter=True), generator())
    assert flat.min() >= 0.5 * (1 - JITTER) - 1e-6
    assert flat.max() <= 0.5 * (1 + JITTER) + 1e-6
    assert flat.std() > 0.05


def test_no_flip_in_policies_that_say_none() -> None:
    assert not POLICIES["crop"].flip
    assert not POLICIES["crop-jitter"].flip
    image = torch.rand(8, 3, 4, 4)
    assert vary_batch(image, POLICIES["crop"], generator()) is image


@pytest.mark.parametrize("policy", POLICIES.values())
def test_the_same_generator_gives_the_same_batch(policy: Policy) -> None:
    image = torch.rand(8, 3, 4, 4)
    assert torch.equal(vary_batch(image, policy, generator(3)), vary_batch(image, policy, generator(3)))


def test_a_mixture_is_a_permutation_and_a_share() -> None:
    partner, share = mix(10, 0.2, generator())
    assert sorted(partner.tolist()) == list(range(10))
    assert 0 <= share <= 1
    again, share_again = mix(10, 0.2, generator())
    assert (again.tolist(), share_again) == (partner.tolist(), share)
    shares = [mix(2, 0.2, generator(seed))[1] for seed in range(200)]
    assert 0.35 < np.mean(shares) < 0.65
    assert np.mean([min(s, 1 - s) < 0.1 for s in shares]) > 0.5  # Beta(0.2, 0.2) lies at its ends
