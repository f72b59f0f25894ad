from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from graticule.geo.sphere import great_circle_km, latlon_of
from graticule.geo.towns import gazetteer
from graticule.partitions import build_s2
from graticule.partitions.partition.naming import cell_names, node_names, unique_names


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
    tree = pl.DataFrame(
        {"parent": [None, 0, 0, 1, 1], "level": [0, 1, 1, 2, 2], "photos": [60, 50, 10, 20, 30]},
    )
    names = node_names(tree, np.array([2, 3, 4]), ["London, GB", "London, GB", "Paris, FR"])
    assert names[2] == "London, GB"
    assert names[3] == names[2] + " (2)"
    assert names[4] == "Paris, FR"
    assert names[0] == f"around {names[4]} (level 0)"
    assert names[1] == f"around {names[4]} (level 1)"


def test_a_cell_is_called_like_the_place_that_stands_for_it() -> None:
    """The mean of two towns' photos decides, not the photo nearest to it."""
    mean = [[53.74, 9.42]]  # near Glückstadt, where no photo is
    (name,) = cell_names(np.array(mean), np.array([[53.55, 9.99]]), lambda places: np.zeros(len(places), int))
    assert name.endswith(", DE")
    assert not name.startswith("Hamburg")


def test_a_middle_at_sea_takes_the_nearest_town_of_the_cell() -> None:
    middle, photo = np.array([[46.0, -46.0]]), np.array([[40.42, -3.70]])

    def encode(places: np.ndarray) -> np.ndarray:
        return np.where(places[:, 1] > -9.0, 0, -1) | np.where((places == middle[0]).all(axis=1), 0, -1)

    assert cell_names(middle, photo, lambda places: np.zeros(len(places), int))[0].endswith(", CA")
    (name,) = cell_names(middle, photo, encode)
    assert name.endswith((", ES", ", IE", ", PT"))  # Newfoundland is nearer, but not in the cell
    assert cell_names(middle, photo, lambda places: np.full(len(places), -1)) == ["Madrid, ES"]


def test_the_town_of_a_name_is_near_the_place_shown() -> None:
    """Photos in two corners of large cells: no town of a name is further than 100 km from the mean place."""
    rng = np.random.default_rng(4)
    latlon = np.concatenate(
        [rng.normal(place, 0.3, (40, 2)) for place in rng.uniform((42, 0), (56, 30), (40, 2))]
    )
    partition = build_s2(latlon, max_photos=200, min_photos=10, start_level=3)
    towns = gazetteer()
    place_of_town = latlon_of(towns.vectors)
    nearest_km = []
    for name, centre in zip(partition.names, partition.centres, strict=True):
        city, code = name.split(" (")[0].rsplit(", ", 1)
        called = (towns.city == city) & (towns.country == code)
        nearest_km.append(great_circle_km(place_of_town[called], centre).min(initial=np.inf))
    assert len(set(partition.names)) == partition.count > 5
    assert max(nearest_km) < 100
    assert great_circle_km(partition.centres, partition.named_at).max() > 50  # what cells were named by
