"""Reading recipes: YAML files by path or by name, ``key=value`` overrides, and errors that name the key."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from graticule.config import nearest
from graticule.errors import MissingFileError, RecipeError
from graticule.training.recipe import Recipe
from graticule.training.recipe.partition import PARTITION_PATHS
from graticule.training.recipe_changes import SCALES, changed, override, scaled, without_scales

SUFFIXES: Final = (".yaml", ".yml")
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
    full, scales, name = read_values(source)
    for each, changes in scales.items():
        said = f"{name}: {SCALES}.{each}"
        check_recipe(changed(full, changes, said), said)
    return check_recipe(override(scaled(full, scales, scale, name), overrides), name)


def read_values(source: str | Path) -> tuple[dict[str, Any], dict[str, dict[str, Any]], str]:
    """What a recipe's file says, not yet checked: at full scale; the changes of its scales; its path.

    Raises:
        MissingFileError: there is no such file and no recipe of that name.
        RecipeError: the YAML is broken, or ``scales`` does not hold changes.
    """
    path = find_recipe(source)
    full, scales = without_scales(parse_yaml(read_text(path), str(path)), str(path))
    return full, scales, str(path)


def find_recipe(source: str | Path) -> Path:
    """The file of a recipe given by path or by name.

    Raises:
        MissingFileError: there is neither; the message names the nearest name.
    """
    path = Path(source)
    if path.is_file():
        return path
    known = {summary.name: summary.path for summary in list_recipes()}
    if str(source) in known:
        return known[str(source)]
    close = nearest(path.stem, known)
    advice = (
        f"Did you mean '{close}'?" if close else "List those that come with graticule:  graticule recipes"
    )
    raise MissingFileError(f"There is no recipe '{source}', neither a file nor a name.\n{advice}")


def list_recipes() -> list[RecipeSummary]:
    """The recipes that come with graticule, by name."""
    folder = recipes_folder()
    paths = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES) if folder.is_dir() else []
    return [summarise(path) for path in paths]


def recipes_folder() -> Path:
    """Where the recipes lie: ``recipes/`` of a checkout, or the copy that a wheel carries in the package."""
    package = Path(str(resources.files("graticule")))
    checkout = package.parents[1] / "recipes"
    return checkout if (checkout.parent / "pyproject.toml").is_file() else package / "recipes"


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Write every key of ``recipe``, defaults included, so that the file alone says what was run."""
    text = yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    path.write_text(
        "# The resolved recipe of this run: every key, defaults included.\n" + text, encoding="utf-8"
    )


def with_absolute_paths(recipe: Recipe) -> Recipe:
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
    for term in (values["loss"], *values["loss"]["terms"]):
        if isinstance(term["clusters"], Path):
            term["clusters"] = term["clusters"].resolve()
    features = values["partition"]["features"]
    if features is not None and Path(features).is_file():
        values["partition"]["features"] = str(Path(features).resolve())
    backbone = values["network"]["backbone"]
    if Path(backbone["weights"]).exists():
        backbone["weights"] = str(Path(backbone["weights"]).resolve())
    return Recipe.model_validate(values)


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
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        lines = [_sentence(item) for item in error.errors()]
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


def _sentence(error: Any) -> str:
    path = [str(part) for part in error["loc"]]
    dotted = ".".join(path) or "the recipe"
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        given = "" if isinstance(error.get("input"), dict) else f" (found {error.get('input')!r})"
        return f"{dotted}: {message}{given}."
    siblings = _keys_at(Recipe, path[:-1])
    close = nearest(path[-1], siblings)
    if close:
        suggestion = ".".join([*path[:-1], close])
    else:
        by_last = {known.rpartition(".")[2]: known for known in _all_keys(Recipe)}
        suggestion = by_last.get(nearest(path[-1], by_last) or "", "")
    advice = f"Did you mean '{suggestion}'?" if suggestion else f"Known here: {', '.join(siblings)}."
    return f"{dotted}: unknown key. {advice}"


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    for part in path:
        if part.isdigit():
            continue
        inner = _section_of(model.model_fields[part].annotation)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _all_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield prefix + name
        inner = _section_of(field.annotation)
        if inner is not None:
            yield from _all_keys(inner, f"{prefix}{name}.")


def _section_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in (tuple, Union, types.UnionType):
        return next((found for part in get_args(annotation) if (found := _section_of(part))), None)
    return None


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
