"""What an experiment is: a YAML file of rows that differ in a recipe's fields. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from graticule.config import nearest
from graticule.errors import MissingFileError, RecipeError
from graticule.training.experiments.measures import Measure
from graticule.training.recipe import PretrainingRecipe, Recipe
from graticule.training.recipe.changes import changed, override, scaled
from graticule.training.recipe.files import (
    PRETRAINING,
    RecipeSummary,
    check_recipe,
    check_values,
    list_recipes,
    parse_yaml,
    read_text,
    read_values,
    recipes_folder,
    summarise,
)
from graticule.training.recipe.section import Section

FOLDER: Final = "experiments"
"""The folder beneath that of the recipes where experiments lie."""

FULL: Final = "full"
"""The name, in an experiment's and a row's ``scales``, of the changes without ``--scale``."""


class ColumnSection(Section):
    """A column of the table; ``loss`` alone is short for ``{measure: loss}``.

    Convention:
        - ``measure``: see ``graticule.training.experiments.measures``
        - ``checkpoint``: of which of the kept states; null: the one that the recipe chooses
    """

    measure: Measure
    checkpoint: Literal["best_loss", "best_accuracy"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _measure_alone(cls, value: Any) -> Any:
        return {"measure": value} if isinstance(value, str) else value


class PretrainingStep(Section):
    """A run of ``graticule pretrain`` that gives a row its first weights.

    Convention:
        - ``recipe``: its name or path; ``set``, ``scales``: changes to it, as in a row
    """

    recipe: str
    set: dict[str, Any] = Field(default_factory=dict)
    scales: dict[str, dict[str, Any]] = Field(default_factory=dict)


class RowSection(Section):
    """One of the things that are compared.

    Convention:
        - ``set``: changes to the recipe, by dotted key; ``scales``: more of them, by the scale's name, which
          is ``full`` without ``--scale``
        - ``published``: the source's numbers by column; shares in [0, 1]
        - ``pretraining``: a run before, whose encoder the backbone begins with
    """

    set: dict[str, Any] = Field(default_factory=dict)
    scales: dict[str, dict[str, Any]] = Field(default_factory=dict)
    published: dict[str, float] = Field(default_factory=dict)
    pretraining: PretrainingStep | None = None


class ExperimentSection(Section):
    """An experiment: a file under ``recipes/experiments``, or a user's own.

    Convention:
        - ``recipe``: its name or path; ``set``, ``scales``: changes to it for all rows
        - ``seeds``: each row is trained once with each; the recipe's ``seed`` is replaced by it
        - ``columns``: what is measured, by its heading; ``rows``: what is compared, the first with all others
        - ``remark``: what a reader of the table has to know
    """

    recipe: str
    set: dict[str, Any] = Field(default_factory=dict)
    scales: dict[str, dict[str, Any]] = Field(default_factory=dict)
    seeds: tuple[int, ...] = (0, 1, 2)
    columns: dict[str, ColumnSection] = Field(min_length=1)
    rows: dict[str, RowSection] = Field(min_length=2)
    remark: str = ""

    @field_validator("seeds")
    @classmethod
    def _each_seed_once(cls, given: tuple[int, ...]) -> tuple[int, ...]:
        if not given or len({*given}) < len(given) or min(given) < 0:
            raise ValueError("seeds are different whole numbers from 0, for example [0, 1, 2]")
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> ExperimentSection:
        for name, row in self.rows.items():
            unknown = [heading for heading in row.published if heading not in self.columns]
            if unknown:
                raise ValueError(f"rows.{name}.published: there is no column '{unknown[0]}'")
        slugs = [slug(name) for name in self.rows]
        if len({*slugs}) < len(slugs) or not all(slugs):
            raise ValueError("rows: their names have to differ in letters or digits")
        return self


@dataclass(frozen=True)
class Row:
    """One row at one scale.

    Convention:
        - ``values``: what its recipe says, checked; ``pretraining``: the same of the run before, or None
        - ``changes``: what sets it apart from the recipe of the experiment
    """

    name: str
    values: dict[str, Any]
    pretraining: dict[str, Any] | None
    changes: dict[str, Any]
    published: Mapping[str, float]

    def recipe(self, seed: int, *, weights: Path | None = None) -> Recipe:
        """The recipe of its run with ``seed``, from first ``weights`` where there are some."""
        changes: dict[str, Any] = {"seed": seed}
        if weights is not None:
            changes["network.backbone.weights"] = str(weights)
        return check_recipe(changed(self.values, changes, self.name), f"row '{self.name}'")

    def pretraining_recipe(self, seed: int) -> PretrainingRecipe | None:
        """The recipe of the run before, or None."""
        if self.pretraining is None:
            return None
        values = {**self.pretraining, "seed": seed}
        return check_values(PretrainingRecipe, values, f"row '{self.name}': pretraining")


@dataclass(frozen=True)
class Experiment:
    """An experiment at one scale; ``about`` is what its file says of itself at the top."""

    about: RecipeSummary
    section: ExperimentSection
    scale: str | None
    rows: tuple[Row, ...]

    def check_photos(self) -> None:
        """Refuse an experiment whose rows name no photos, before anything is written.

        Raises:
            RecipeError: neither a table nor a planet.
        """
        for row in self.rows:
            photos = row.recipe(0).photos
            if photos.table is None and photos.synthetic is None:
                raise RecipeError(
                    f"photos.table: the recipe of '{row.name}' names no photos.\n"
                    "Name a folder of `graticule ingest`:  --set photos.table=FOLDER\n"
                    "or learn from a synthetic planet:  --scale smoke"
                )

    def checkpoint_of(self, column: ColumnSection) -> str:
        """Which kept state a column is about."""
        if column.checkpoint is not None:
            return column.checkpoint
        return str(self.rows[0].recipe(0).evaluation.checkpoint)


def read_experiment(
    source: str | Path, *, scale: str | None = None, overrides: tuple[str, ...] = ()
) -> Experiment:
    """Read and check an experiment, with the recipes of all its rows.

    Convention:
        - ``source``: the path of a file, or the name of one that comes with graticule
        - changes are made in this order: the recipe's own ``scale``; the experiment's ``set`` and those of
          the scale; the row's ``set`` and those of the scale; ``overrides``

    Raises:
        MissingFileError: there is no such experiment or recipe.
        RecipeError: a file is wrong, a row does not fit its recipe, or two rows are the same.
    """
    path = find_experiment(source)
    section = check_values(ExperimentSection, parse_yaml(read_text(path), str(path)), str(path))
    at = FULL if scale is None else scale
    full, scales, name = read_values(section.recipe)
    values = changed(scaled(full, scales, scale, name), section.set, f"{path}: set")
    values = changed(values, section.scales.get(at, {}), f"{path}: scales.{at}")
    rows = []
    for each, row in section.rows.items():
        said = f"{path}: rows.{each}"
        at_scale = row.scales.get(at, {})
        found = changed(changed(values, row.set, f"{said}.set"), at_scale, f"{said}.scales.{at}")
        found = override(found, overrides)
        check_recipe(found, said)
        before = None
        if row.pretraining is not None:
            before = _pretraining(row.pretraining, found, scale, f"{said}.pretraining")
        changes = {**row.set, **at_scale}
        rows.append(Row(each, found, before, changes, row.published))
    _check_rows_differ(rows, str(path), scale)
    return Experiment(summarise(path), section, scale, tuple(rows))


def list_experiments() -> list[RecipeSummary]:
    """The experiments that come with graticule, by name."""
    return list_recipes(recipes_folder() / FOLDER)


def find_experiment(source: str | Path) -> Path:
    """The file of an experiment given by path or by name.

    Raises:
        MissingFileError: there is neither; the message names the nearest name, or all of them.
    """
    if Path(source).is_file():
        return Path(source)
    known = {summary.name: summary.path for summary in list_experiments()}
    if str(source) in known:
        return known[str(source)]
    close = nearest(Path(source).stem, known)
    advice = (
        f"Did you mean '{close}'?" if close else "List those that come with graticule:  graticule experiment"
    )
    raise MissingFileError(f"There is no experiment '{source}', neither a file nor a name.\n{advice}")


def slug(name: str) -> str:
    """A row's name as that of a folder.

    Example:
        >>> slug("HMC-sol, rate 0.01")
        'hmc-sol-rate-0.01'
    """
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")


def _pretraining(
    step: PretrainingStep, values: Mapping[str, Any], scale: str | None, said: str
) -> dict[str, Any]:
    """What the recipe of the run before says: as ``step``, on the photos of the row's own ``values``."""
    full, scales, name = read_values(step.recipe, recipes_folder() / PRETRAINING)
    found = changed(scaled(full, scales, scale, name), step.set, f"{said}.set")
    found = changed(found, step.scales.get(scale or FULL, {}), f"{said}.scales.{scale or FULL}")
    own = found.get("photos") or {}
    found["photos"] = {**(values.get("photos") or {}), **{key: own.get(key) for key in ("where", "half")}}
    found["workers"] = values.get("workers")
    check_values(PretrainingRecipe, found, said)
    return found


def _check_rows_differ(rows: list[Row], name: str, scale: str | None) -> None:
    for number, row in enumerate(rows):
        for other in rows[:number]:
            same = row.recipe(0) == other.recipe(0) and row.pretraining == other.pretraining
            if same:
                where = f" at --scale {scale}" if scale else ""
                raise RecipeError(
                    f"{name}: the rows '{other.name}' and '{row.name}' are the same recipe{where}.\n"
                    f"Say in rows.{row.name}.scales.{scale or FULL} what differs, or leave "
                    "one of them out."
                )
