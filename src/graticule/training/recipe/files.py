"""Reading recipes: YAML files by path or by name, ``key=value`` overrides, and errors that name the key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import ValidationError

from graticule.config import nearest
from graticule.errors import MissingFileError, RecipeError
from graticule.training.recipe import PretrainingRecipe, Recipe, Section
from graticule.training.recipe.changes import SCALES, changed, override, scaled, without_scales
from graticule.training.recipe.partition import PARTITION_PATHS
from graticule.training.recipe.sentences import sentence

S = TypeVar("S", bound=Section)
AnyRecipe = TypeVar("AnyRecipe", Recipe, PretrainingRecipe)

SUFFIXES: Final = (".yaml", ".yml")
PRETRAINING: Final = "pretraining"
"""The folder beneath that of the recipes where those of ``graticule pretrain`` lie."""
HEADINGS: Final = ("source", "reproduces", "published")
"""The three comment lines that a recipe begins with: ``# source: ...`` and so on."""


@dataclass(frozen=True)
class RecipeSummary:
    """What a recipe is, from the comment lines at its top."""

    name: str
    path: Path
    source: str
    reproduces: str
    published: str


def read_recipe(source: str | Path, overrides: Iterable[str] = (), *, scale: str | None = None) -> Recipe:
    """Read and check a recipe.

    Convention:
        - ``source``: a path, or the name of a recipe that comes with graticule (``list_recipes``)
        - ``scale``: the name of one of the recipe's own ``scales``; full scale when left out
        - ``overrides``: ``a.b=c`` with ``c`` as YAML; items of lists by number (``phases.0.epochs=3``)

    Raises:
        MissingFileError: there is no such file and no recipe of that name.
        RecipeError: the YAML is broken, there is no such scale, a key is unknown or a value is out of range;
            also in a scale that is not asked for.
    """
    return _read(Recipe, source, overrides, scale, recipes_folder())


def read_pretraining(
    source: str | Path, overrides: Iterable[str] = (), *, scale: str | None = None
) -> PretrainingRecipe:
    """Read and check a recipe of ``graticule pretrain``; otherwise as ``read_recipe``.

    Raises:
        MissingFileError, RecipeError: as ``read_recipe``.
    """
    return _read(PretrainingRecipe, source, overrides, scale, recipes_folder() / PRETRAINING)


def _read(model: type[S], source: str | Path, overrides: Iterable[str], scale: str | None, folder: Path) -> S:
    full, scales, name = read_values(source, folder)
    for each, changes in scales.items():
        said = f"{name}: {SCALES}.{each}"
        check_values(model, changed(full, changes, said), said)
    return check_values(model, override(scaled(full, scales, scale, name), overrides), name)


def read_values(
    source: str | Path, folder: Path | None = None
) -> tuple[dict[str, Any], dict[str, dict[str, Any]], str]:
    """What a recipe's file says, not yet checked: at full scale; the changes of its scales; its path.

    Convention:
        - ``folder``: where names are looked up, as in ``find_recipe``

    Raises:
        MissingFileError: there is no such file and no recipe of that name.
        RecipeError: the YAML is broken, or ``scales`` does not hold changes.
    """
    path = find_recipe(source, folder)
    full, scales = without_scales(parse_yaml(read_text(path), str(path)), str(path))
    return full, scales, str(path)


def find_recipe(source: str | Path, folder: Path | None = None) -> Path:
    """The file of a recipe given by path or by name.

    Convention:
        - ``folder``: where the names are of; that of the recipes of ``graticule train`` when left out

    Raises:
        MissingFileError: there is neither; the message names the nearest name, or the verb that has it.
    """
    path = Path(source)
    if path.is_file():
        return path
    known = {summary.name: summary.path for summary in list_recipes(folder)}
    if str(source) in known:
        return known[str(source)]
    folders = {"train": recipes_folder(), "pretrain": recipes_folder() / PRETRAINING}
    other = next((verb for verb, each in folders.items() if (each / f"{source}.yaml").is_file()), None)
    close = nearest(path.stem, known)
    if other is not None:
        advice = f"That is one of another verb:  graticule {other} {source} -o RUN"
    elif close:
        advice = f"Did you mean '{close}'?"
    else:
        advice = "List those that come with graticule:  graticule recipes"
    raise MissingFileError(f"There is no recipe '{source}', neither a file nor a name.\n{advice}")


def list_recipes(folder: Path | None = None) -> list[RecipeSummary]:
    """The recipes that come with graticule, by name; those of ``graticule train``, or those in ``folder``."""
    folder = recipes_folder() if folder is None else folder
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES) if folder.is_dir() else []
    return [summarise(path) for path in paths]


def recipes_folder() -> Path:
    """Where the recipes lie: ``recipes/`` of a checkout, or the copy that a wheel carries in the package."""
    package = Path(str(resources.files("graticule")))
    checkout = package.parents[1] / "recipes"
    return checkout if (checkout.parent / "pyproject.toml").is_file() else package / "recipes"


def write_recipe(recipe: Section, path: Path) -> None:
    """Write every key of ``recipe``, defaults included, so that the file alone says what was run."""
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path.write_text(
        "# The resolved recipe of this run: every key, defaults included.\n" + text, encoding="utf-8"
    )


def with_absolute_paths(recipe: AnyRecipe) -> AnyRecipe:
    """The same recipe with every path made absolute, so that a run goes on from any folder."""
    values = recipe.model_dump()
    for section, key in (
        ("photos", "table"),
        *(("partition", key) for key in PARTITION_PATHS),
        ("prior", "places"),
        ("augmentation", "region_mask"),
    ):
        part = values.get(section)
        if part and part[key] is not None:
            part[key] = Path(part[key]).resolve()
    if values.get("features") is not None:
        values["features"] = values["features"].resolve()
    for term in _loss_terms(values["loss"]):
        if isinstance(term["clusters"], Path):
            term["clusters"] = term["clusters"].resolve()
    features = values["partition"]["features"]
    if features is not None and Path(features).is_file():
        values["partition"]["features"] = str(Path(features).resolve())
    network = values["network"].get("backbone", values["network"])
    if Path(network["weights"]).exists():
        network["weights"] = str(Path(network["weights"]).resolve())
    return type(recipe).model_validate(values)


def _loss_terms(loss: Any) -> list[Any]:
    return [loss, *loss["terms"]] if isinstance(loss, dict) else []


def parse_yaml(text: str, name: str) -> dict[str, Any]:
    """The mapping that a YAML text holds.

    Raises:
        RecipeError: a syntax error or a key given twice, with line and column; or no mapping.
    """
    try:
        values = yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        raise RecipeError(
            f"{name}: {where}: {error.problem or error.context}.\nMend the YAML there."
        ) from error
    except yaml.YAMLError as error:
        raise RecipeError(f"{name}: this is not YAML: {error}.") from error
    if not isinstance(values, dict):
        raise RecipeError(f"{name}: a recipe is a mapping of sections (network:, phases:, ...), found none.")
    return values


def check_recipe(values: Mapping[str, Any], name: str) -> Recipe:
    """The recipe that ``values`` describe.

    Raises:
        RecipeError: an unknown key, with the nearest valid one, or a value out of range; all of them
            are listed, one a line.
    """
    return check_values(Recipe, values, name)


def check_values(model: type[S], values: Mapping[str, Any], name: str) -> S:
    """What ``values`` say as a ``model``; otherwise as ``check_recipe``.

    Raises:
        RecipeError: as ``check_recipe``.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        lines = [sentence(item, model) for item in error.errors()]
        raise RecipeError(f"{name}: " + "\n".join(lines)) from error


def read_text(path: Path) -> str:
    """The text of a YAML file.

    Raises:
        RecipeError: it is not UTF-8; the message names the line.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RecipeError(
            f"{path}: line {line}: this is not UTF-8 text (byte 0x{error.object[error.start]:02x}).\n"
            f"Save it as UTF-8:  iconv -f latin1 -t utf-8 {path} > {path.with_suffix('.utf8.yaml')}"
        ) from error


class _StrictLoader(yaml.SafeLoader):
    """YAML's safe subset, where a key given twice is an error instead of the last one winning."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key '{key}' is given twice", problem_mark=key_node.start_mark
                )
            seen.add(key if isinstance(key, str) else repr(key))
        return super().construct_mapping(node, deep)


def summarise(path: Path) -> RecipeSummary:
    """What the comment lines at the top of a file say of it."""
    found = dict.fromkeys(HEADINGS, "")
    for line in read_text(path).splitlines():
        if not line.startswith("#"):
            break
        heading, _, text = line.lstrip("# ").partition(":")
        if heading.strip().lower() in found:
            found[heading.strip().lower()] = text.strip()
    return RecipeSummary(name=path.stem, path=path, **found)
