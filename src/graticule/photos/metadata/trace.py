"""One thing that a photo's metadata tells."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

KINDS: Final = {
    "position": "where it was taken",
    "direction": "which way the camera looked",
    "place": "places that somebody wrote down",
    "time": "when it was taken",
    "device": "which camera or phone took it",
    "serial": "numbers of this one device or file, which tie photos of one owner together",
    "person": "who took it or owns it",
    "text": "titles, keywords, comments",
    "software": "which programs touched it",
    "thumbnail": "a small picture inside, which may show what was cut away or painted over",
    "faces": "faces that a program marked",
    "maker-notes": "the maker's own notes, which often hold serial numbers and more",
    "picture": "further pictures or a short film inside",
    "block": "further blocks that a program wrote",
    "profile": "a colour profile, which often names the device",
}
"""What there is to be told, in the order in which it is."""


@dataclass(frozen=True)
class Trace:
    """One thing that metadata tells.

    Convention:
        - ``kind``: one of ``KINDS``; ``words``: a phrase for people; ``where``: the block that holds it
        - ``values``: what the phrase says, as JSON values
    """

    kind: str
    words: str
    where: str
    values: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {"kind": self.kind, "words": self.words, "where": self.where, "values": self.values}


def in_order(traces: list[Trace]) -> tuple[Trace, ...]:
    """Sorted by kind as ``KINDS`` stands; what two blocks tell in the same words is told once."""
    order = list(KINDS)
    found: dict[tuple[str, str], Trace] = {}
    for trace in traces:
        found.setdefault((trace.kind, trace.words), trace)
    return tuple(sorted(found.values(), key=lambda trace: order.index(trace.kind)))


def shown(text: str, most: int = 120) -> str:
    r"""A value for a sentence: one line, printable, not too long.

    Example:
        >>> shown("  two\nlines\x00 ")
        'two lines'
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."


def size_in_words(count: int) -> str:
    """Bytes for a sentence.

    Example:
        >>> size_in_words(1), size_in_words(2_500), size_in_words(2_500_000)
        ('1 byte', '2,500 bytes', '2.5 MB')
    """
    if count >= 1_000_000:
        return f"{count / 1e6:.1f} MB"
    return f"{count:,} byte{'s' * (count != 1)}"
