"""What the photos of one trip share: the season, the weather, the camera. None of it tells the place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graticule.photos.synthetic.chance import between


@dataclass(frozen=True)
class Trip:
    """One journey with one camera.

    Convention:
        - ``month``: 0 to 12, from 1 January; ``daytime``: -1 (sunrise) over 0 (noon) to 1 (sunset)
        - ``clouds``, ``mist``: how unusually cloudy and misty it is for the place, evenly in [0, 1]
        - ``camera_height_m`` above the road; ``focal``: focal length in widths of the picture
        - ``tilt``: how far the horizon lies below (above) the middle, in heights
        - ``exposure``, ``warmth``: factors on brightness, and on red over blue; ``grain`` in grey levels
        - ``clouds_seed``: the sky of the whole trip, for the shortcut ``clouds``
    """

    month: float
    daytime: float
    clouds: float
    mist: float
    wind: float
    camera_height_m: float
    focal: float
    tilt: float
    exposure: float
    warmth: float
    vignette: float
    grain: float
    clouds_seed: int

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Trip:
        """A trip at any time of any year."""
        return cls(
            month=between(rng, 0.0, 12.0),
            daytime=float(np.clip(rng.normal(0.0, 0.45), -0.9, 0.9)),
            clouds=rng.random(),
            mist=rng.random(),
            wind=between(rng, 0.0, 512.0),
            camera_height_m=between(rng, 1.9, 2.8),
            focal=between(rng, 0.62, 0.85),
            tilt=between(rng, -0.03, 0.03),
            exposure=float(np.exp(rng.normal(0.0, 0.07))),
            warmth=float(np.exp(rng.normal(0.0, 0.04))),
            vignette=between(rng, 0.0, 0.3),
            grain=between(rng, 1.0, 5.0),
            clouds_seed=int(rng.integers(2**32)),
        )

    @classmethod
    def of(cls, seed: int, country: str, trip: int) -> Trip:
        """The trip of that number in a country of a planet."""
        return cls.drawn(scene_numbers(seed, country, trip, 0))


def scene_numbers(seed: int, country: str, trip: int, photo: int) -> np.random.Generator:
    """The random numbers of one photo of a trip, counted from 1; 0 is the trip itself.

    They depend on nothing else, so that photos can be drawn in any order, and again.
    """
    return np.random.default_rng([seed, *country.encode(), trip, photo])
