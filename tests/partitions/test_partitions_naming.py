from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from graticule.partitions.naming import node_names, unique_names


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


def test_cells_are_named_before_the_nodes_above_them() -> None:
    london, paris = [51.507, -0.128], [48.857, 2.352]
    names = node_names(np.array([london, paris, london, london]), np.array([3, 2]))
    assert names[3] + " (2)" == names[2]
    assert names[0] == f"around {names[3]}"
    assert names[1].startswith("around ")
    assert names[3].endswith("GB")
    assert names[1].endswith("FR")
