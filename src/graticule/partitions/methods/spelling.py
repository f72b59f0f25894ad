"""Names of options in sentences: as Python writes them, and as somebody else types them.

Errors and remarks of this package put options into backticks, as names or as ``name=value``, several parted
by ", ". In Python that can be copied as it stands; a command line or a recipe puts its own words there.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator

from graticule.errors import GraticuleError

Spell = Callable[[str, str | None], str]
"""How an option is typed: its name, and its value as text or None where only the name is meant."""

_NAMED = re.compile(r"`([^`\n]+)`")


def respelled(sentence: str, spell: Spell) -> str:
    r"""The sentence with every option in backticks as ``spell`` writes it.

    Example:
        >>> typed = lambda name, value: f"--{name}" if value is None else f"--{name} {value}"
        >>> respelled("No photo is left.\nType:  `cells=3, depth=10`  or leave `layer` out.", typed)
        'No photo is left.\nType:  --cells 3 --depth 10  or leave --layer out.'
    """
    return _NAMED.sub(lambda found: _typed(found[1], spell), sentence)


def _typed(options: str, spell: Spell) -> str:
    parts = [option.partition("=") for option in re.split(r", (?=\w+=)", options)]
    return " ".join(spell(name, value if equals else None) for name, equals, value in parts)


@contextlib.contextmanager
def spelled(spell: Spell) -> Iterator[None]:
    """Errors raised inside name options as ``spell`` writes them."""
    try:
        yield
    except GraticuleError as error:
        error.args = (respelled(str(error), spell), *error.args[1:])
        raise
