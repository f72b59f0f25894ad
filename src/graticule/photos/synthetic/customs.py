"""What people made of a country: side of the road, lines, signs, scripts, poles, houses, cars.

Known habits are named below (which countries drive on the left, paint yellow lines, put up diamonds); the
rest is drawn from the country's code, around what is usual on its continent, so that neighbours are alike and
yet distinct. A caricature again, not a reference.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from graticule.geo.countries import continent_of
from graticule.photos.synthetic.chance import Colour, between, hue, pick, pick_weighted, varied

_YELLOW: Final[Colour] = (232.0, 184.0, 40.0)
_WHITE: Final[Colour] = (236.0, 236.0, 230.0)


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _by_country(**codes: str) -> dict[str, str]:
    """A word for each country, from the countries of each word."""
    return {code: word for word, text in codes.items() for code in text.split()}


_LEFT: Final = _codes(
    """AG AI AU BB BD BM BN BS BT BW CK CY DM FJ FK GB GD GG GY HK ID IE IM IN JE JM JP KE KI KN KY LC LK LS
    MO MS MT MU MV MW MY MZ NA NP NR NZ PG PK SB SC SG SH SR SZ TC TH TL TO TT TV TZ UG VC VG VI WS ZA ZM
    ZW"""
)
_YELLOW_CENTRE: Final = _codes(
    """US CA MX GT HN SV NI CR PA CO VE EC PE BO BR PY UY AR DO HT CU NO JP KR TW CN TH KH LA VN MM
    PH NG LR"""
)
_YELLOW_EDGE: Final = _codes("ZA BW LS SZ NA KE UG ZW IE IL TZ")
_DIAMOND: Final = _codes("AU NZ JP TH MY ID IE PG KH LK LR TL")
_YELLOW_TRIANGLE: Final = _codes("SE FI IS PL GR CN KR VN BA MK KW")
_YELLOW_PLATE: Final = _codes("GB NL LU IL CO HK CY LK IN ZW")
_PAINTED_KERB: Final = _codes("IN TH ID NG KE EG TR PK BD LK PH MY SA AE GH TN MA")

_GUIDE_SIGN: Final = _by_country(
    green="US CA MX BR JP CN KR NZ AU CO CL AR ZA GB TR IN ID PL GR KE",
    yellow="DE NO NL",
    pale="ES FR IS SE",
)
_GUIDE_COLOURS: Final[dict[str, Colour]] = {
    "green": (20, 110, 70),
    "yellow": (245, 200, 40),
    "pale": (238, 238, 235),
}
_OTHER_GUIDES: Final[list[Colour]] = [(28, 84, 160), (24, 100, 66), (40, 70, 140)]
_SCRIPTS: Final = _by_country(
    cyrillic="RU UA BY BG RS MK KZ KG MN TJ",
    arabic="MA DZ TN LY EG SD SA AE OM YE QA KW BH IQ SY JO LB IR AF PK MR EH PS",
    indic="IN NP BD BT",
    han="CN TW HK MO JP",
    hangul="KR KP",
    looped="TH LA KH MM LK GE AM ET ER IL",
)
_POLES: Final = _by_country(
    wood="US CA AU NZ FI SE NO IE GB KE UG ZA ZM TZ GH CL RU MN",
    concrete="JP TW KR BR TH ES HU TR EG IN ID MX NG PL VN AR PE PH MY CO SN MA BD PK CN",
    none="DE NL CH DK BE LU SG",
)
_POSTS: Final[list[Colour]] = [(150, 150, 150), (176, 178, 180), (110, 84, 60), (225, 225, 222)]
_ROOFS: Final = _by_country(
    flat="MA EG DZ TN LY SA AE OM YE IQ SY IR IN PK BD MX PE BO SN NE ML TD MR IL JO PH AF SD",
    tile="ES PT IT GR HR FR BR TR BG RS AR CO CU GT UY",
    steep="NO SE FI GB DE PL CA DK NL IE IS EE LV LT CH AT CZ BE US",
    pagoda="JP CN KR VN TH KP TW KH LA MM BT NP",
)
_ROOF_USUAL: Final[dict[str, dict[str, float]]] = {
    "EU": {"steep": 1, "tile": 1},
    "AF": {"tin": 3, "flat": 1},
    "AS": {"flat": 2, "tile": 1, "tin": 1},
    "NA": {"steep": 1, "tin": 1},
    "SA": {"tile": 2, "tin": 1, "flat": 1},
    "OC": {"tin": 1},
    "AN": {"tin": 1},
}
ROOF_COLOURS: Final[dict[str, tuple[Colour, ...]]] = {
    "flat": ((170, 160, 145),),
    "tile": ((186, 96, 62), (170, 84, 58), (198, 116, 78)),
    "steep": ((72, 70, 74), (96, 62, 54), (84, 84, 90), (132, 66, 52)),
    "pagoda": ((78, 86, 96), (56, 72, 92), (150, 74, 52)),
    "tin": ((150, 112, 92), (168, 172, 176), (140, 70, 56), (92, 128, 118)),
}
"""Roof colours usual for each kind of roof."""

_WALLS: Final = _by_country(
    timber="NO SE FI IS US CA RU NZ",
    brick="GB IE NL BE DK",
    white="GR TN ES PT",
    bright="MX CU BR GT CO ZA",
    mud="EG MA NE ML MR YE IR AF SD TD",
    concrete="JP KR CN TW",
)
_WALLS_USUAL: Final[dict[str, tuple[str, ...]]] = {
    "EU": ("plaster", "brick", "plaster", "white"),
    "AF": ("mud", "bright", "plaster", "mud"),
    "AS": ("concrete", "plaster", "concrete", "white"),
    "NA": ("timber", "bright", "plaster"),
    "SA": ("bright", "brick", "plaster"),
    "OC": ("timber", "brick", "white"),
    "AN": ("timber",),
}
_WALL_COLOURS: Final[dict[str, tuple[Colour, ...]]] = {
    "plaster": ((236, 226, 205), (228, 205, 160), (240, 236, 228), (222, 184, 150)),
    "brick": ((150, 82, 62), (172, 104, 78), (122, 72, 60), (196, 168, 140)),
    "timber": ((150, 48, 40), (226, 200, 120), (235, 232, 222), (96, 112, 124)),
    "mud": ((198, 160, 112), (176, 132, 92), (214, 180, 134), (190, 120, 82)),
    "bright": ((72, 160, 190), (236, 132, 110), (250, 208, 92), (128, 190, 130), (226, 120, 160)),
    "concrete": ((196, 194, 188), (172, 172, 168), (214, 210, 198), (205, 196, 182)),
    "white": ((246, 244, 238), (238, 236, 228), (242, 232, 214)),
}

WALL_COLOURS: Final = tuple(colour for colours in _WALL_COLOURS.values() for colour in colours)
"""Every colour that walls have anywhere."""

_TRAFFIC: Final[dict[str, dict[str, float]]] = {
    "EU": {"car": 8, "van": 2, "truck": 1},
    "AF": {"car": 4, "minibus": 4, "truck": 2, "scooter": 2},
    "AS": {"car": 5, "scooter": 4, "truck": 2, "van": 1},
    "NA": {"car": 4, "pickup": 5, "truck": 2},
    "SA": {"car": 6, "minibus": 2, "scooter": 2, "pickup": 2},
    "OC": {"car": 5, "pickup": 4},
    "AN": {"truck": 1},
}
_PAVED: Final = {"EU": 0.97, "NA": 0.95, "AS": 0.87, "SA": 0.82, "AF": 0.66, "OC": 0.92, "AN": 0.0}
_BOLLARDS: Final = {"EU": 0.9, "OC": 0.9, "AS": 0.4, "NA": 0.3, "SA": 0.25, "AF": 0.2, "AN": 0.0}


@dataclass(frozen=True)
class Customs:
    """How one country builds and drives.

    Convention:
        - lines: colours, or None where none is painted; ``dash_m`` is (painted, bare) along the centre
        - ``warning``: "diamond", "triangle" or "yellow-triangle"; ``limit``: "ring" or "plate"
        - ``poles``: "wood", "concrete" or "none"; ``roof``: "flat", "tile", "steep", "pagoda" or "tin"
        - ``bollard``: the colour of its band, or None where there are none
        - ``paved``: the share of roads that are
    """

    left: bool
    centre_line: Colour
    double_line: bool
    dash_m: tuple[float, float]
    edge_line: Colour | None
    asphalt: Colour
    lane_m: float
    paved: float
    warning: str
    limit: str
    guide_sign: Colour
    script: str
    post: Colour
    poles: str
    crossarms: int
    bollard: Colour | None
    bollard_shape: str
    painted_kerb: bool
    roof: str
    roof_colours: tuple[Colour, ...]
    walls: tuple[Colour, ...]
    huts: bool
    traffic: dict[str, float]
    plate: Colour
    accent: Colour


@functools.cache
def customs_of(country: str | None) -> Customs:
    """The customs of a country by its ISO 3166-1 alpha-2 code; those of nowhere in particular for None.

    Example:
        >>> customs_of("GB").left, customs_of("FR").left, customs_of("JP").script
        (True, False, 'han')
    """
    code = country or "??"
    continent = continent_of(code) or "EU"
    rng = np.random.default_rng(list(code.encode()))
    return Customs(
        left=code in _LEFT,
        traffic=_TRAFFIC[continent],
        paved=min(1.0, _PAVED[continent] * between(rng, 0.85, 1.1)),
        plate=_YELLOW if code in _YELLOW_PLATE else _WHITE,
        accent=hue(rng.random(), between(rng, 0.6, 0.9), between(rng, 0.6, 0.9)),
        script=_SCRIPTS.get(code, "latin"),
        painted_kerb=code in _PAINTED_KERB,
        **_road_habits(code, continent, rng),
        **_sign_habits(code, continent, rng),
        **_building_habits(code, continent, rng),
    )


def _road_habits(code: str, continent: str, rng: np.random.Generator) -> dict[str, Any]:
    grey = between(rng, 74, 120)
    edges = rng.random() < (0.4 if continent == "AF" else 0.75)
    return {
        "centre_line": _YELLOW if code in _YELLOW_CENTRE else _WHITE,
        "double_line": rng.random() < (0.6 if code in _YELLOW_CENTRE else 0.1),
        "dash_m": pick(rng, [(3.0, 9.0), (4.0, 4.0), (3.0, 6.0), (2.0, 3.0), (6.0, 6.0)]),
        "edge_line": _YELLOW if code in _YELLOW_EDGE else _WHITE if edges else None,
        "asphalt": varied(rng, (grey, grey, grey * 1.02), 0.08),
        "lane_m": between(rng, 2.8, 3.7),
    }


def _sign_habits(code: str, continent: str, rng: np.random.Generator) -> dict[str, Any]:
    band = hue(pick(rng, [0.0, 0.0, 0.08, 0.6]), between(rng, 0.2, 0.9), between(rng, 0.15, 0.85))
    diamond = code in _DIAMOND or continent in ("NA", "SA")
    guide = _GUIDE_SIGN.get(code)
    return {
        "warning": "diamond" if diamond else "yellow-triangle" if code in _YELLOW_TRIANGLE else "triangle",
        "limit": "plate" if code in ("US", "CA", "LR") else "ring",
        "guide_sign": _GUIDE_COLOURS[guide] if guide else pick(rng, _OTHER_GUIDES),
        "post": pick(rng, _POSTS),
        "poles": _POLES.get(code) or pick(rng, ["wood", "concrete"]),
        "crossarms": 1 + int(between(rng, 0, 3)),
        "bollard": band if rng.random() < _BOLLARDS[continent] else None,
        "bollard_shape": pick(rng, ["slim", "wide", "slanted"]),
    }


def _building_habits(code: str, continent: str, rng: np.random.Generator) -> dict[str, Any]:
    roof = _ROOFS.get(code) or pick_weighted(rng, _ROOF_USUAL[continent])
    walls = _WALLS.get(code) or pick(rng, _WALLS_USUAL[continent])
    return {
        "roof": roof,
        "roof_colours": tuple(varied(rng, each, 0.15) for each in ROOF_COLOURS[roof]),
        "walls": tuple(varied(rng, each, 0.1) for each in _WALL_COLOURS[walls]),
        "huts": continent == "AF" and roof == "tin",
    }
