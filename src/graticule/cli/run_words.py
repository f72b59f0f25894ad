"""What is typed of a run folder, for the verbs that make one or go on with one: ``train``, ``pretrain``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import click

from graticule.config import require
from graticule.errors import UsageError


@dataclass(frozen=True)
class RunWords:
    """A recipe and the folder to make of it, or the folder to go on with.

    Convention:
        - ``recipe``: a file or a name; ``overrides``: ``key=value`` over it; ``scale``: a section of it
        - ``resume``: the run to go on with, which has its own recipe
        - ``force``: write over the run that is in ``output``
    """

    recipe: str | None
    output: Path | None
    overrides: tuple[str, ...]
    scale: str | None
    resume: Path | None
    force: bool

    def check(self, verb: str, example: str, *, profile: bool = False) -> None:
        """Refuse words that do not go together.

        Raises:
            UsageError: too much beside ``--resume``, or too little without it.
        """
        if self.resume is not None and (
            self.recipe or self.output or self.overrides or self.scale or self.force or profile
        ):
            raise UsageError(
                "--resume goes on with the recipe of the run; it takes no RECIPE and no other option but "
                f"--json.\nType:  graticule {verb} --resume {self.resume}"
            )
        if self.resume is None and (self.recipe is None or self.output is None):
            missing = "a RECIPE" if self.recipe is None else "-o RUN, the folder to make"
            raise UsageError(f"'{verb}' needs {missing}.\nFor example:  graticule {verb} {example}")


def require_training() -> None:
    """Refuse, with the line to type, where a package of the extra ``train`` is not installed.

    Raises:
        MissingPackageError: one is not.
    """
    for package in ("torch", "lightning", "timm", "safetensors", "onnx"):
        require(package)


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give ``command`` the words of a run, as one ``RunWords`` in its parameter ``run``."""

    @functools.wraps(command)
    def packed(**words: Any) -> Any:
        run = RunWords(**{field.name: words.pop(field.name) for field in fields(RunWords)})
        return command(run=run, **words)

    options = (
        click.argument("recipe", required=False),
        click.option("-o", "--output", type=click.Path(path_type=Path), help="The run folder to make."),
        click.option(
            "--set",
            "overrides",
            multiple=True,
            metavar="KEY=VALUE",
            help="Put another value into the recipe; may be given again.",
        ),
        click.option(
            "--scale",
            metavar="NAME",
            help="Make the recipe smaller as its own section says: smoke (minutes on two cores), small.",
        ),
        click.option(
            "--resume",
            type=click.Path(path_type=Path),
            metavar="RUN",
            help="Go on with a run that was stopped or killed.",
        ),
        click.option("--force", is_flag=True, help="Write over a run that is there."),
    )
    for option in reversed(options):
        packed = option(packed)
    return packed
