"""Changes to what a recipe says, as ``--set`` and a recipe's own ``scales`` make them. Needs no torch."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from graticule.config import nearest
from graticule.errors import RecipeError

Changes = Mapping[str, Any]
"""New values by dotted key: ``{"phases.0.epochs": 2}``; items of lists by number, from 0."""

SCALES: Final = "scales"
"""The section of a recipe that says by which changes it is made smaller: changes by the scale's name."""


def override(values: Mapping[str, Any], overrides: Iterable[str]) -> dict[str, Any]:
    """``values`` with each ``a.b=c`` put in place; the given mapping is left as it is.

    Raises:
        RecipeError: no ``=``, a value that is not YAML, or a path that leads through a plain value.
    """
    result = copy.deepcopy(dict(values))
    for item in overrides:
        key, equals, text = item.partition("=")
        if not equals or not key.strip():
            raise RecipeError(f"--set {item}: expected KEY=VALUE, for example:  --set network.dropout=0.2")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise RecipeError(f"--set {item}: the value is not YAML. Put it in quotes?") from error
        _put(result, key.strip().split("."), value, f"--set {item}")
    return result


def changed(values: Mapping[str, Any], changes: Changes, said: str) -> dict[str, Any]:
    """``values`` with each change put in place; the given mapping is left as it is.

    Convention:
        - ``said``: where the changes come from, as errors name it

    Raises:
        RecipeError: a key leads through a plain value, or beyond the end of a list.

    Example:
        >>> changed({"phases": [{"epochs": 20}]}, {"phases.0.epochs": 2}, "scales.smoke")
        {'phases': [{'epochs': 2}]}
    """
    result = copy.deepcopy(dict(values))
    for key, value in changes.items():
        _put(result, str(key).split("."), copy.deepcopy(value), f"{said}: {key}")
    return result


def without_scales(values: Mapping[str, Any], name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What a recipe says at full scale, and its changes by the name of the scale.

    Raises:
        RecipeError: ``scales`` does not hold changes by dotted key.
    """
    full = {key: value for key, value in values.items() if key != SCALES}
    scales = values.get(SCALES) or {}
    if not isinstance(scales, dict) or not all(isinstance(changes, dict) for changes in scales.values()):
        raise RecipeError(
            f"{name}: scales: expected changes by the name of the scale, for example\n"
            "scales:\n  smoke:\n    phases.0.epochs: 2"
        )
    return full, scales


def scaled(
    full: Mapping[str, Any], scales: Mapping[str, Changes], scale: str | None, name: str
) -> dict[str, Any]:
    """``full`` with the changes of ``scale``; as it is where that is None.

    Raises:
        RecipeError: the recipe has no such scale, or a change does not fit it.
    """
    if scale is None:
        return dict(full)
    if scale not in scales:
        close = nearest(scale, scales)
        advice = f"Did you mean '{close}'?" if close else "Leave --scale out, or write that section."
        known = f"its scales are {', '.join(scales)}" if scales else f"it has no section '{SCALES}'"
        raise RecipeError(f"{name}: there is no scale '{scale}': {known}.\n{advice}")
    return changed(full, scales[scale], f"{name}: {SCALES}.{scale}")


def _put(values: Any, path: list[str], value: Any, item: str) -> None:
    step, rest = path[0], path[1:]
    if isinstance(values, list):
        if not step.isdigit() or int(step) >= len(values):
            raise RecipeError(
                f"{item}: '{step}' is not an item of this list; it has {len(values)}, counted from 0."
            )
        if rest:
            _put(values[int(step)], rest, value, item)
        else:
            values[int(step)] = value
        return
    if not isinstance(values, dict):
        raise RecipeError(f"{item}: '{step}' cannot be set, since what it lies in is a plain value.")
    if not rest:
        values[step] = value
        return
    if values.get(step) is None:
        values[step] = {}
    _put(values[step], rest, value, item)
