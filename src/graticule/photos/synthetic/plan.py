"""What a planet will hold, before anything is drawn: countries, trips, places, splits, shortcuts."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from graticule.config import nearest
from graticule.errors import UsageError
from graticule.geo.countries import country_code, country_name
from graticule.geo.outlines import country_outlines
from graticule.photos.synthetic.places import land_share, trips_in
from graticule.photos.synthetic.scene import check_size
from graticule.photos.synthetic.shortcuts import SHORTCUTS, check_shortcuts
from graticule.photos.synthetic.trip import Trip

COUNTRIES: Final = (
    "AR", "AU", "BR", "CA", "CL", "DE", "EG", "ES", "FR", "GB", "GH", "ID", "IN", "JP", "KE",
    "MA", "MN", "MX", "NG", "NO", "NZ", "PE", "PL", "RU", "SN", "TH", "TR", "UG", "US", "ZA",
)  # fmt: skip
"""The countries of a planet unless others are named: thirty, on all continents where people live."""

SPREADS: Final = ("country", "area")
"""How photos are spread: as many in each country, or as many on each square kilometre of land."""

RENDERER: Final = 1
"""Raised whenever the same seed begins to give other pictures: folders of two renderers are never mixed."""

_SPLIT_SHARES: Final = {"train": 0.7, "val": 0.1, "test": 0.2}
_FEWEST_PER_TRIP: Final = 3
_MOST_PER_TRIP: Final = 8


@dataclass(frozen=True)
class PlanetSettings:
    """Everything that decides what a planet looks like; checked when made.

    Convention:
        - ``size_px`` is (width, height); ``countries`` are ISO 3166-1 alpha-2 codes, sorted
        - ``shortcuts``: for each shortcut the codes of the countries that it is planted in
        - ``spread`` is one of ``SPREADS``

    Raises:
        UsageError: fewer than one photo, a size out of bounds, an unknown country, shortcut or spread, or a
            shortcut in a country that the planet lacks.
    """

    photos: int
    size_px: tuple[int, int]
    seed: int
    countries: tuple[str, ...]
    spread: str
    shortcuts: dict[str, tuple[str, ...]]
    renderer: int = RENDERER

    @classmethod
    def checked(
        cls,
        *,
        photos: int,
        size_px: tuple[int, int],
        seed: int,
        countries: Sequence[str] | None,
        spread: str,
        shortcuts: Mapping[str, Collection[str]] | None,
    ) -> PlanetSettings:
        """Settings from what a user says: countries by code or name, or none for the usual thirty."""
        if photos < 1:
            raise UsageError(
                f"A planet needs at least 1 photo, not {photos}.\nType for example:  --photos 2000"
            )
        if seed < 0:
            raise UsageError(f"A seed is a whole number from 0 on, not {seed}.\nType for example:  --seed 0")
        if spread not in SPREADS:
            raise UsageError(
                f"There is no spread '{spread}' (there are: {', '.join(SPREADS)}).\n"
                f"Type for example:  --spread {nearest(spread, SPREADS) or SPREADS[0]}"
            )
        check_size(size_px)
        check_shortcuts(list(shortcuts or {}))
        planted = {
            name: known_countries((shortcuts or {})[name]) for name in SHORTCUTS if name in (shortcuts or {})
        }
        codes = _countries_of_planet(countries, planted)
        return cls(photos, (int(size_px[0]), int(size_px[1])), seed, codes, spread, planted)

    def shortcuts_in(self, country: str) -> tuple[str, ...]:
        """The shortcuts planted in a country."""
        return tuple(name for name, codes in self.shortcuts.items() if country in codes)

    def as_json(self) -> dict[str, Any]:
        """The settings as they stand in ``planet.json``."""
        settings = asdict(self)
        settings["size_px"], settings["countries"] = list(self.size_px), list(self.countries)
        settings["shortcuts"] = {name: list(codes) for name, codes in self.shortcuts.items()}
        return settings


def known_countries(words: Collection[str]) -> tuple[str, ...]:
    """Codes, sorted, of countries given by code or name.

    Raises:
        UsageError: a word is no country, or one whose outline is not drawn at 1:50 million.

    Example:
        >>> known_countries(["Ghana", "sn"])
        ('GH', 'SN')
    """
    drawn = set(country_outlines().codes)
    codes = set()
    for word in words:
        code = country_code(word)
        if code is None or code not in drawn:
            close = nearest(word.title(), [country_name(each) or each for each in sorted(drawn)])
            advice = f"Did you mean '{close}'?" if close else "Name countries by their codes or names"
            raise UsageError(
                f"There is no country '{word}'.\n{advice}:  for example GH, 'South Korea' or BRA."
            )
        codes.add(code)
    return tuple(sorted(codes))


def _countries_of_planet(
    countries: Sequence[str] | None, planted: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    wanted = {code for codes in planted.values() for code in codes}
    if countries is None:
        return tuple(sorted({*COUNTRIES, *wanted}))
    codes = known_countries(countries)
    if not codes:
        raise UsageError("A planet needs at least one country.\nType for example:  --countries GH,SN,KE")
    if missing := sorted(wanted - set(codes)):
        raise UsageError(
            f"A shortcut is planted in {', '.join(missing)}, but the planet has no photos there.\n"
            f"Name these too:  --countries {','.join([*codes, *missing])}"
        )
    return codes


def plan_photos(settings: PlanetSettings) -> pl.DataFrame:
    """One row per photo to be drawn: the photo table without what only pixels tell, and ``trip``, ``number``.

    Convention:
        - groups are trips: of 3 to 8 photos, within some kilometres, in one split each
        - ``mask`` is the path of the photo's mask, null where no shortcut is planted
        - ``month`` is the season, 0 to 12 from 1 January
    """
    weights = [land_share(code) if settings.spread == "area" else 1.0 for code in settings.countries]
    counts = _shared_out(settings.photos, np.array(weights))
    frames = [
        _in_country(settings, code, int(n)) for code, n in zip(settings.countries, counts, strict=True) if n
    ]
    plan = pl.concat(frames)
    width, height = settings.size_px
    return plan.with_columns(
        _splits(plan["group"]),
        source=pl.lit("synthetic"),
        licence=pl.lit("CC0-1.0"),
        width=pl.lit(width, dtype=pl.Int32),
        height=pl.lit(height, dtype=pl.Int32),
    )


def _in_country(settings: PlanetSettings, code: str, photos: int) -> pl.DataFrame:
    rng = np.random.default_rng([settings.seed, *code.encode()])
    sizes = rng.integers(_FEWEST_PER_TRIP, _MOST_PER_TRIP + 1, photos)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), photos)) + 1]
    sizes[-1] -= sizes.sum() - photos
    places, trip = trips_in(code, sizes, rng)
    number = np.concatenate([np.arange(size) for size in sizes])
    groups = [f"{code}-{one:04d}" for one in trip.tolist()]
    ids = [f"{group}-{one}" for group, one in zip(groups, number.tolist(), strict=True)]
    planted = "+".join(settings.shortcuts_in(code)) or None
    return pl.DataFrame(
        {
            "photo_id": ids,
            "path": [f"images/{code}/{one}.jpg" for one in ids],
            "latitude": places[:, 0],
            "longitude": places[:, 1],
            "country": code,
            "group": groups,
            "trip": trip,
            "number": number,
            "month": np.array([Trip.of(settings.seed, code, one).month for one in range(len(sizes))])[trip],
            "shortcut": pl.Series([planted] * photos, dtype=pl.String),
            "mask": pl.Series(
                [f"masks/{code}/{one}.png" if planted else None for one in ids], dtype=pl.String
            ),
        }
    )


def _shared_out(photos: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """``photos`` in proportion to ``weights``, in whole numbers, by largest remainder."""
    exact = photos * weights / weights.sum()
    counts: NDArray[np.int64] = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: photos - int(counts.sum())]] += 1
    return counts


def _splits(groups: pl.Series) -> pl.Series:
    """The split of each photo: whole groups, each to the split that lacks most photos so far."""
    lacking = dict.fromkeys(_SPLIT_SHARES, 0.0)
    chosen = []
    for size in groups.rle().struct.field("len").to_list():
        for split, share in _SPLIT_SHARES.items():
            lacking[split] += share * size
        best = max(lacking, key=lambda split: lacking[split])
        lacking[best] -= size
        chosen += [best] * size
    return pl.Series("split", chosen)
