"""The registry of methods: one home for every option, and sentences that name options in anybody's words."""

from __future__ import annotations

import numpy as np
import pytest

from graticule.errors import MissingFileError, UsageError
from graticule.partitions.methods import METHODS, OPTIONS, build_partition, respelled, spelled

PLACES = np.array([[48.86, 2.35]] * 3 + [[39.9, 116.4]] * 3)


def typed(name: str, value: str | None) -> str:
    return f"<{name}>" if value is None else f"<{name} {value}>"


def test_every_option_is_taken_by_a_method_and_known() -> None:
    for method in METHODS.values():
        assert set(method.takes) <= set(OPTIONS)
    assert set(OPTIONS) == {name for method in METHODS.values() for name in method.takes}


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Nothing to say.", "Nothing to say."),
        ("Type:  `cells=3`", "Type:  <cells 3>"),
        (
            "Type:  `max_photos=9, min_photos=3`   or   `depth=1`",
            "Type:  <max_photos 9> <min_photos 3>   or   <depth 1>",
        ),
        ("Leave `layer` out.", "Leave <layer> out."),
        ("Type:  `resolutions=3,2,1`", "Type:  <resolutions 3,2,1>"),
        ("Type:  `layer=Kommuner, 2024`", "Type:  <layer Kommuner, 2024>"),
        ("Type:  `features=a=b.csv`", "Type:  <features a=b.csv>"),
    ],
)
def test_options_are_respelled(sentence: str, expected: str) -> None:
    assert respelled(sentence, typed) == expected


def test_errors_keep_their_class_and_get_the_words() -> None:
    with (
        pytest.raises(UsageError, match=r"takes no <depth> \(it takes <preset>, <max_photos>"),
        spelled(typed),
    ):
        build_partition("s2", PLACES, None, {"depth": 3})
    with pytest.raises(MissingFileError, match="Name one with <polygons>"), spelled(typed):
        build_partition("admin", PLACES, None, {"polygons": "none.geojson"})


def test_a_refused_option_names_the_methods_that_take_it() -> None:
    with pytest.raises(UsageError, match=r"`method=quadtree` or `method=multi`"):
        build_partition("s2", PLACES, None, {"depth": 3})
    with pytest.raises(UsageError, match=r"method 's2' takes no `depth`(?s:.*)`method=quadtree`$"):
        build_partition("multi", PLACES, None, {"depth": 3})
