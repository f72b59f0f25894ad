"""What pydantic finds wrong with a recipe, as sentences that name the key and the nearest one."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel

from graticule.config import nearest


def sentence(error: Any, model: type[BaseModel]) -> str:
    """What one of pydantic's errors means: the dotted key, what is wrong, and the nearest key.

    Convention:
        - ``error``: an item of ``ValidationError.errors()``; ``model``: what was to be read
    """
    path = [str(part) for part in error["loc"]]
    dotted = ".".join(path) or ("the recipe" if model.__name__.endswith("Recipe") else "the file")
    if error["type"] != "extra_forbidden":
        message = error["msg"].removeprefix("Value error, ")
        given = "" if isinstance(error.get("input"), dict) else f" (found {error.get('input')!r})"
        return f"{dotted}: {message}{given}."
    siblings = _keys_at(model, path[:-1])
    close = nearest(path[-1], siblings)
    if close:
        suggestion = ".".join([*path[:-1], close])
    else:
        by_last = {known.rpartition(".")[2]: known for known in _all_keys(model)}
        suggestion = by_last.get(nearest(path[-1], by_last) or "", "")
    advice = f"Did you mean '{suggestion}'?" if suggestion else f"Known here: {', '.join(siblings)}."
    return f"{dotted}: unknown key. {advice}"


def _keys_at(model: type[BaseModel], path: list[str]) -> list[str]:
    parts = iter(path)
    for part in parts:
        if part.isdigit():
            continue
        annotation = model.model_fields[part].annotation
        inner = _section_of(annotation)
        if inner is None:
            return []
        if get_origin(annotation) is dict:
            next(parts, None)  # a name of the user's own
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
    if get_origin(annotation) in (tuple, dict, Union, types.UnionType):
        return next((found for part in get_args(annotation) if (found := _section_of(part))), None)
    return None
