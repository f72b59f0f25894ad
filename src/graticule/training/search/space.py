"""What a search tries: fields of a recipe, and the values each may take. Needs neither torch nor Optuna."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field, model_validator

from graticule.errors import MissingFileError
from graticule.training.recipe import Recipe
from graticule.training.recipe.changes import Changes, changed, override, scaled
from graticule.training.recipe.files import (
    SUFFIXES,
    check_recipe,
    check_values,
    parse_yaml,
    read_text,
    read_values,
    recipes_folder,
)
from graticule.training.recipe.section import Section

GOALS: Final[dict[str, Literal["minimize", "maximize"]]] = {
    "val_loss": "minimize",
    "val_top1": "maximize",
    "val_median_km": "minimize",
}
"""What a search can look for: columns of ``history.csv``, and whether little or much of it is good."""

Goal = Literal["val_loss", "val_top1", "val_median_km"]


class ParameterSection(Section):
    """The values that one field of the recipe may take: a range, or a list.

    Convention:
        - ``low``, ``high``: both may be taken; whole numbers when both are; ``log``: even on a log scale
        - ``choices``: any values of YAML
    """

    low: int | float | None = None
    high: int | float | None = None
    log: bool = False
    choices: tuple[Any, ...] | None = None

    @model_validator(mode="after")
    def _is_a_range_or_a_list(self) -> ParameterSection:
        if (self.choices is None) == (self.low is None or self.high is None):
            raise ValueError("give 'low' and 'high', or 'choices'")
        if self.choices is not None and not self.choices:
            raise ValueError("choices: at least one")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError("low has to lie below high")
        if self.log and (self.low is None or self.low <= 0):
            raise ValueError("log needs a range above 0")
        return self

    @property
    def labels(self) -> list[str]:
        """The choices as words, which Optuna can store whatever they are."""
        return [json.dumps(choice) for choice in self.choices or ()]


class PruningSection(Section):
    """A trial is ended when it is worse than the median of the trials before it at the same validation.

    Convention:
        - ``after_trials``: not before so many trials ended; ``after_validations``: nor so many of its own
    """

    after_trials: int = Field(default=4, ge=1)
    after_validations: int = Field(default=2, ge=0)


class SearchSection(Section):
    """A search space: a file under ``recipes/search``, or a user's own.

    Convention:
        - ``recipe``: its name or path; ``set``: changes to it, by dotted key, for all trials
        - ``parameters``: dotted keys of the recipe and their values
        - ``sampler``: ``tpe`` (Optuna's tree of Parzen estimators), ``random``, or ``grid``: all combinations
        - ``trials``: how many; null: all of a grid, twenty otherwise
    """

    recipe: str
    goal: Goal = "val_loss"
    sampler: Literal["tpe", "grid", "random"] = "tpe"
    trials: int | None = Field(default=None, gt=0)
    set: dict[str, Any] = Field(default_factory=dict)
    parameters: dict[str, ParameterSection] = Field(min_length=1)
    pruning: PruningSection | None = PruningSection()

    @model_validator(mode="after")
    def _grids_have_choices(self) -> SearchSection:
        ranges = [name for name, parameter in self.parameters.items() if parameter.choices is None]
        if self.sampler == "grid" and ranges:
            raise ValueError(f"a grid needs 'choices' for every parameter, and '{ranges[0]}' has a range")
        return self

    def grid(self, *, seed: int) -> list[dict[str, str]]:
        """All combinations of the choices' labels, in random order, so that a part of them is a fair part."""
        rows = list(itertools.product(*(parameter.labels for parameter in self.parameters.values())))
        order = np.random.default_rng(seed).permutation(len(rows))
        return [dict(zip(self.parameters, rows[row], strict=True)) for row in order]


@dataclass(frozen=True)
class SearchSpace:
    """A search over a recipe, at one scale.

    Convention:
        - ``values``: what all trials' recipes say, unchecked; ``name``: the file of the space
    """

    section: SearchSection
    values: dict[str, Any]
    name: str

    def recipe(self, tried: Changes) -> Recipe:
        """The recipe of a trial.

        Raises:
            RecipeError: the values tried do not fit the recipe.
        """
        said = f"{self.name}: parameters"
        return check_recipe(changed(self.values, tried, said), said)


def read_space(
    recipe: str, space: str | Path | None = None, *, scale: str | None = None, overrides: tuple[str, ...] = ()
) -> SearchSpace:
    """The space of a search, with the recipe that it is about.

    Convention:
        - ``recipe``: a name or path; ``space``: the path of a file, or the name of one that comes with
          graticule; the one named like the recipe when left out
        - changes are made in this order: the space's ``set``, the recipe's ``scale``, ``overrides``

    Raises:
        MissingFileError: there is no such recipe or space.
        RecipeError: a file is wrong, or a parameter is no field of the recipe.
    """
    full, scales, name = read_values(recipe)
    path = find_space(recipe, space)
    section = check_space(parse_yaml(read_text(path), str(path)), str(path))
    values = changed(full, section.set, f"{path}: set")
    values = override(scaled(values, scales, scale, name), overrides)
    found = SearchSpace(section, values, str(path))
    found.recipe({key: _first(parameter) for key, parameter in section.parameters.items()})
    return found


def find_space(recipe: str, space: str | Path | None) -> Path:
    """The file of a search space.

    Raises:
        MissingFileError: there is none of that name, or none for the recipe.
    """
    folder = recipes_folder() / "search"
    wanted = Path(recipe).stem if space is None else str(space)
    candidates = [Path(wanted), *(folder / f"{wanted}{suffix}" for suffix in SUFFIXES)]
    for path in candidates[1:] if space is None else candidates:
        if path.is_file():
            return path
    known = sorted(path.stem for path in folder.iterdir()) if folder.is_dir() else []
    raise MissingFileError(
        f"There is no search space '{wanted}', neither a file nor a name.\n"
        f"Name one that comes with graticule ({', '.join(known)}), or a file of your own:  --space FILE"
    )


def check_space(values: Mapping[str, Any], name: str) -> SearchSection:
    """The search space that ``values`` describe.

    Raises:
        RecipeError: a key is unknown or a value is out of range; all of them are listed, one a line.
    """
    return check_values(SearchSection, values, name)


def _first(parameter: ParameterSection) -> Any:
    return parameter.choices[0] if parameter.choices is not None else parameter.low
