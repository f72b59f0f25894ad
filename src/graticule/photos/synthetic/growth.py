"""What grows at a place in a season: grass, bushes, kinds of trees; snow."""

from __future__ import annotations

from dataclasses import dataclass

from graticule.photos.synthetic.chance import Colour, brighter, mix, ramp
from graticule.photos.synthetic.climate import Climate


@dataclass(frozen=True)
class Growth:
    """Plants and snow of one scene.

    Convention:
        - ``cover``, ``snow``, ``autumn``, ``bare``: shares in [0, 1]: of ground under plants, of ground under
          snow, of leaves that have turned, of leaves that have fallen
        - ``trees``: how common each kind is; ``density``: 0 (none) to 1 (forest)
    """

    soil: Colour
    grass: Colour
    leaves: Colour
    cover: float
    snow: float
    autumn: float
    bare: float
    trees: dict[str, float]
    density: float


def growth_of(climate: Climate, month: float) -> Growth:
    """The plants at a place, ``month`` (0 to 12) months after 1 January."""
    now_c = climate.month_c(month)
    rain, mean_c = climate.rain, climate.mean_c
    falling = climate.month_c(month + 0.5) < now_c
    seasonal = ramp(climate.swing_c, 5.0, 9.0)
    # savannahs are dry in the winter half of their year
    savannah = ramp(mean_c, 17.0, 22.0) * ramp(rain, 0.12, 0.25) * ramp(rain, 0.75, 0.5)
    dry_season = savannah * ramp(now_c, climate.mean_c + 0.5, climate.mean_c - 1.0)
    dryness = min(1.0, ramp(rain, 0.5, 0.08) + 0.6 * dry_season)
    lush = mix((92.0, 134.0, 52.0), (54.0, 122.0, 42.0), ramp(mean_c, 16.0, 27.0))
    lush = mix(lush, (122.0, 122.0, 72.0), ramp(mean_c, 3.0, -6.0))
    drift, other, grey = climate.regional
    lush = lush[0] + 14.0 * drift, lush[1] + 9.0 * other, lush[2] + 12.0 * grey
    grass = mix(lush, (188.0, 164.0, 96.0), 0.85 * dryness)
    grass = mix(grass, (150.0, 136.0, 92.0), 0.6 * ramp(now_c, 5.0, -1.0))
    return Growth(
        soil=climate.soil,
        grass=grass,
        leaves=mix(brighter(lush, 0.74), (96.0, 104.0, 62.0), 0.6 * dryness),
        cover=ramp(rain, 0.02, 0.4) * ramp(mean_c, -16.0, -6.0) * (1.0 - 0.3 * dry_season),
        snow=ramp(now_c, 0.5, -3.5) * ramp(rain, 0.05, 0.2),
        autumn=seasonal * (ramp(now_c, 12.0, 8.0) if falling else 0.0),
        bare=seasonal * ramp(now_c, 6.0 if falling else 8.0, 2.0),
        trees=_kinds(climate),
        density=ramp(rain, 0.08, 0.6) * ramp(mean_c, -11.0, -2.0) * (1.0 - 0.3 * savannah),
    )


def _kinds(climate: Climate) -> dict[str, float]:
    """How common each kind of tree is."""
    mean_c, rain = climate.mean_c, climate.rain
    hot, dry = ramp(mean_c, 18.0, 23.0), ramp(rain, 0.4, 0.15)
    americas = -125.0 < climate.longitude < -60.0
    australia = -45.0 < climate.latitude < -10.0 and 112.0 < climate.longitude < 155.0
    africa = -35.0 < climate.latitude < 18.0 and -18.0 < climate.longitude < 51.0
    mild_and_dry = ramp(mean_c, 11.0, 14.0) * ramp(mean_c, 22.0, 18.0) * ramp(rain, 0.6, 0.3)
    return {
        "spruce": 3.0 * ramp(mean_c, 9.0, 2.0),
        "birch": 1.2 * ramp(mean_c, 8.0, 3.0),
        "pine": 1.0 * ramp(mean_c, -2.0, 5.0) * ramp(mean_c, 19.0, 12.0),
        "broadleaf": 3.0 * ramp(mean_c, 2.0, 8.0) * (1.0 - 0.75 * hot) * ramp(rain, 0.15, 0.45),
        "cypress": 2.0 * mild_and_dry,
        "olive": 2.0 * mild_and_dry,
        "palm": 2.2 * ramp(mean_c, 17.0, 23.0),
        "jungle": 3.5 * hot * ramp(rain, 0.45, 0.7),
        "acacia": (4.0 if africa else 0.8) * hot * ramp(rain, 0.03, 0.2) * ramp(rain, 0.75, 0.5),
        "baobab": 0.5 * hot * africa * ramp(rain, 0.1, 0.2) * ramp(rain, 0.6, 0.5),
        "gum": 5.0 * australia * ramp(mean_c, 8.0, 13.0),
        "cactus": 3.5 * americas * dry * ramp(mean_c, 10.0, 15.0),
        "bush": 0.3 + 2.5 * dry,
    }
