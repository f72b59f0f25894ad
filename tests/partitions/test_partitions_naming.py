from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from graticule.partitions.partition.naming import node_names, unique_names


@given(st.lists(st.sampled_from(["a", "b", "a (2)", "a (3)", "a (2) (2)", ""])))
def test_names_become_unique_and_keep_their_beginning(names: list[str]) -> None:
    unique = unique_names(names)
    assert len(set(unique)) == len(names) == len(unique)
    seen = set()
    for name, given_name in zip(unique, names, strict=True):
        assert name.startswith(given_name)
        if given_name not in seen:
            assert name == given_name
        seen.add(given_name)


def test_cells_are_named_by_their_place_and_inner_nodes_by_their_fullest_cell() -> None:
    london, paris = [51.507, -0.128], [48.857, 2.352]
    tree = pl.DataFrame(
        {"parent": [None, 0, 0, 1, 1], "level": [0, 1, 1, 2, 2], "photos": [60, 50, 10, 20, 30]},
    )
    names = node_names(tree, np.array([2, 3, 4]), np.array([london, london, paris]))
    assert names[2].endswith("GB")
    assert names[3] == names[2] + " (2)"
    assert names[4].endswith("FR")
    assert names[0] == f"around {names[4]} (level 0)"
    assert names[1] == f"around {names[4]} (level 1)"
