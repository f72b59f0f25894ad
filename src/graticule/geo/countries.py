"""Countries by code and by the many ways people write their names.

A country is an ISO 3166-1 alpha-2 code everywhere in graticule, plus XK for Kosovo. Codes and official names
come from the package iso3166; here stands what it lacks: the short English names people use, the other
spellings that folders and tables hold, and the continents.
"""

from __future__ import annotations

import difflib
import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import Final

import iso3166

CONTINENTS: Final = {
    "AF": "Africa",
    "AN": "Antarctica",
    "AS": "Asia",
    "EU": "Europe",
    "NA": "North America",
    "OC": "Oceania",
    "SA": "South America",
}
"""The seven continents, by the code that ``continent_of`` gives."""

# Source: UN M49 regions; America is divided south of Panama and Trinidad. A country has one continent as a
# whole: Russia is in Europe, Turkey, Cyprus and the Caucasus in Asia. M49 leaves Antarctica, Taiwan and
# Kosovo without a region.
_MEMBERS: Final = {
    "AF": """AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW IO KE KM LR LS LY MA MG ML
        MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TF TG TN TZ UG YT ZA ZM ZW""",
    "AN": "AQ",
    "AS": """AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV
        MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE""",
    "EU": """AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV
        MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK""",
    "NA": """AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI PA PM
        PR SV SX TC TT US VC VG VI""",
    "OC": """AS AU CC CK CX FJ FM GU HM KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS""",
    "SA": "AR BO BR BV CL CO EC FK GF GS GY PE PY SR UY VE",
}

# Where common English is shorter than, or other than, the official name (whose wording also varies between
# releases of iso3166). The first name is the one graticule writes; the others are only read.
_NAMES: Final = {
    "AE": ["United Arab Emirates", "UAE", "Emirates"],
    "AG": ["Antigua and Barbuda", "Antigua"],
    "AX": ["Åland", "Aland Islands"],
    "BA": ["Bosnia and Herzegovina", "Bosnia", "Bosnia and Herz.", "Bosnia Hercegovina"],
    "BL": ["Saint Barthélemy", "St. Barts"],
    "BN": ["Brunei"],
    "BO": ["Bolivia"],
    "BQ": ["Caribbean Netherlands", "Bonaire"],
    "BS": ["Bahamas", "The Bahamas"],
    "BY": ["Belarus", "Byelorussia"],
    "CC": ["Cocos Islands", "Keeling Islands"],
    "CD": ["DR Congo", "Democratic Republic of the Congo", "DRC", "D.R. Congo", "Congo DR", "Congo-Kinshasa",
           "Dem. Rep. Congo", "Congo (Kinshasa)", "Zaire", "ZR"],
    "CF": ["Central African Republic", "Central African Rep.", "CAR"],
    "CG": ["Congo", "Republic of the Congo", "Congo Republic", "Congo-Brazzaville", "Congo (Brazzaville)"],
    "CI": ["Ivory Coast", "Côte d'Ivoire"],
    "CN": ["China", "People's Republic of China", "Mainland China", "PRC"],
    "CV": ["Cape Verde", "Cabo Verde"],
    "CZ": ["Czechia", "Czech Republic", "Czech Rep."],
    "DE": ["Germany", "Federal Republic of Germany", "Deutschland"],
    "DO": ["Dominican Republic", "Dominican Rep."],
    "EH": ["Western Sahara", "W. Sahara"],
    "FK": ["Falkland Islands", "Falklands", "Malvinas"],
    "FM": ["Micronesia", "Federated States of Micronesia"],
    "FO": ["Faroe Islands", "Faeroe Islands", "Faroes"],
    "GB": ["United Kingdom", "UK", "Great Britain", "Britain", "England", "Scotland", "Wales",
           "Northern Ireland"],
    "GM": ["Gambia", "The Gambia"],
    "GQ": ["Equatorial Guinea", "Eq. Guinea"],
    "GR": ["Greece", "Hellas", "EL"],
    "GS": ["South Georgia", "South Georgia and South Sandwich Islands"],
    "HK": ["Hong Kong", "Hong Kong SAR", "Hong Kong SAR China", "Hong Kong, China"],
    "HM": ["Heard and McDonald Islands"],
    "IE": ["Ireland", "Republic of Ireland", "Eire"],
    "IO": ["British Indian Ocean Territory", "Diego Garcia"],
    "IR": ["Iran", "Islamic Republic of Iran"],
    "KG": ["Kyrgyzstan", "Kyrgyz Republic", "Kirghizia"],
    "KN": ["Saint Kitts and Nevis"],
    "KP": ["North Korea", "DPRK", "DPR Korea", "Democratic People's Republic of Korea", "Korea North"],
    "KR": ["South Korea", "Korea", "Republic of Korea", "Korea South", "Rep. of Korea"],
    "LA": ["Laos", "Lao PDR"],
    "MD": ["Moldova", "Republic of Moldova"],
    "MF": ["Saint Martin", "St-Martin"],
    "MK": ["North Macedonia", "Macedonia", "FYROM", "FYR Macedonia", "Republic of North Macedonia"],
    "MM": ["Myanmar", "Burma", "BU"],
    "MO": ["Macao", "Macau", "Macau SAR", "Macao SAR China", "Macao, China"],
    "NL": ["Netherlands", "Holland", "The Netherlands"],
    "NR": ["Nauru", "Naoero"],
    "PN": ["Pitcairn Islands", "Pitcairn"],
    "PS": ["Palestine", "State of Palestine", "Palestinian Territory", "Palestinian Territories",
           "Occupied Palestinian Territory", "Palestinian Territory, Occupied", "West Bank", "Gaza",
           "Gaza Strip"],
    "RU": ["Russia", "Russian Federation"],
    "SH": ["Saint Helena", "Ascension", "Tristan da Cunha"],
    "SJ": ["Svalbard and Jan Mayen", "Svalbard"],
    "SO": ["Somalia", "Somaliland"],
    "SS": ["South Sudan", "S. Sudan"],
    "ST": ["São Tomé and Príncipe", "Sao Tome"],
    "SX": ["Sint Maarten", "St. Maarten"],
    "SY": ["Syria"],
    "SZ": ["Eswatini", "Swaziland"],
    "TC": ["Turks and Caicos Islands", "Turks and Caicos"],
    "TF": ["French Southern Territories", "French Southern and Antarctic Lands"],
    "TL": ["Timor-Leste", "East Timor", "TP"],
    "TR": ["Turkey", "Türkiye", "Republic of Turkey"],
    "TT": ["Trinidad and Tobago", "Trinidad"],
    "TW": ["Taiwan", "Taiwan, Republic of China", "Chinese Taipei"],
    "TZ": ["Tanzania", "United Republic of Tanzania"],
    "US": ["United States", "USA", "United States of America", "U.S.", "U.S.A.", "America"],
    "UM": ["U.S. Minor Outlying Islands", "United States Minor Outlying Islands"],
    "VA": ["Vatican City", "Vatican", "Holy See (Vatican City State)", "Vatican City State"],
    "VC": ["Saint Vincent and the Grenadines", "Saint Vincent", "St. Vin. and Gren."],
    "VE": ["Venezuela"],
    "VG": ["British Virgin Islands", "BVI"],
    "VI": ["U.S. Virgin Islands", "United States Virgin Islands", "Virgin Islands, US", "Virgin Islands",
           "USVI"],
    "VN": ["Vietnam", "Viet Nam"],
    "WF": ["Wallis and Futuna"],
    "WS": ["Samoa", "Western Samoa"],
    "XK": ["Kosovo", "Republic of Kosovo", "XKX", "RKS"],
}  # fmt: skip

_FILLERS: Final = frozenset(["the", "and", "of"])
_SHORTENED: Final = {"saint": "st", "sainte": "ste", "islands": "is", "island": "is"}


def country_name(code: str) -> str | None:
    """The short English name of a country: "Russia", not "Russian Federation".

    Convention:
        - ``code`` is an ISO 3166-1 alpha-2 code, in any case, or XK; None for any other text

    Example:
        >>> country_name("GB"), country_name("kr"), country_name("??")
        ('United Kingdom', 'South Korea', None)
    """
    return _short_names().get(code.upper())


def country_code(text: str) -> str | None:
    """The code of the country that a folder, class or column calls ``text``, or None when it is no country.

    Convention:
        - ``text`` is a name in English, official or not, or an alpha-2 or alpha-3 code; case, spaces,
          punctuation and accents do not matter, nor do "the", "and", "of"
        - the result is an ISO 3166-1 alpha-2 code, or XK; England, Scotland, Wales give GB
        - only whole names are taken, nothing is guessed from part of a word

    Example:
        >>> [country_code(each) for each in ("UnitedKingdom", "Cote d'Ivoire", "kor", "Mars")]
        ['GB', 'CI', 'KR', None]
    """
    index = _index()
    return next((index[key] for key in _keys(text) if key in index), None)


def nearest_country(text: str) -> str | None:
    """The name of the country that a misspelt ``text`` most resembles, or None when it resembles none.

    Example:
        >>> nearest_country("UntiedKingdom"), nearest_country("Atlantis")
        ('United Kingdom', None)
    """
    plain = {"".join(name.split()).casefold(): name for name in _short_names().values()}
    # stricter than for other words: half the names of countries are like one another
    matches = difflib.get_close_matches("".join(text.split()).casefold(), plain, n=1, cutoff=0.75)
    return plain[matches[0]] if matches else None


def continent_of(code: str) -> str | None:
    """The continent of a country, as a key of ``CONTINENTS``.

    Convention:
        - ``code`` is an ISO 3166-1 alpha-2 code, in any case, or XK; None for any other text
        - a country lies in one continent as a whole: Russia in EU, Turkey in AS

    Source:
        United Nations, Standard Country or Area Codes (M49); America divided south of Panama.

    Example:
        >>> continent_of("BR"), continent_of("XK"), continent_of("??")
        ('SA', 'EU', None)
    """
    return _continents().get(code.upper())


def _keys(text: str) -> Iterator[str]:
    """The forms under which a name is looked up: all its letters, then without filler words."""
    plain = "".join(
        letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter)
    )
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W_a-zA-Z]+", plain.replace("&", " and "))
    words = [word.casefold() for word in words]
    yield "".join(words)
    if len(words) > 1:  # "Islands" alone must not become "is", which is Iceland
        yield "".join(_SHORTENED.get(word, word) for word in words if word not in _FILLERS)


@functools.cache
def _short_names() -> dict[str, str]:
    official = {each.alpha2: each.apolitical_name for each in iso3166.countries}
    return official | {code: names[0] for code, names in _NAMES.items()}


@functools.cache
def _index() -> dict[str, str]:
    """Code by key. Codes win over names, and our own names over those of iso3166."""
    index: dict[str, str] = {}
    for country in iso3166.countries:
        for key in (country.alpha2, country.alpha3):
            index[key.casefold()] = country.alpha2
    spellings = [(name, code) for code, names in _NAMES.items() for name in names]
    for country in iso3166.countries:
        for name in (country.name, country.apolitical_name):
            head, _, tail = name.partition(", ")
            turned = f"{tail} {head}"  # "Korea, Republic of"
            spellings += [(each, country.alpha2) for each in (name, turned, re.sub(r" ?\(.*\)", "", name))]
    for name, code in spellings:
        for key in _keys(name):
            index.setdefault(key, code)
    index.pop("", None)
    return index


@functools.cache
def _continents() -> dict[str, str]:
    return {code: continent for continent, codes in _MEMBERS.items() for code in codes.split()}
