"""What may be done about photos that are odd, as one word says it: a check of that word."""

from __future__ import annotations

from collections.abc import Mapping

from graticule.config import nearest
from graticule.errors import UsageError


def check_treatment(mode: str, modes: Mapping[str, str], *, what: str, flag: str, check_pixels: bool) -> None:
    """Refuse what cannot be done about odd photos.

    Convention:
        - ``modes``: each word and what it means, "drop" among them, which needs pixels
        - ``what``: the photos in words, as a sentence begins with them; ``flag``: the option of ``ingest``

    Raises:
        UsageError: there is no such mode, or it needs pixels that are not to be looked at.
    """
    if mode not in modes:
        close = nearest(mode, modes)
        advice = f"Did you mean:  {flag} {close}" if close else f"Known: {', '.join(modes)}."
        raise UsageError(f"{what} cannot be treated by '{mode}'.\n{advice}")
    if mode == "drop" and not check_pixels:
        raise UsageError(
            f"{what} are known by their pixels, so they cannot be dropped with --no-check-pixels.\n"
            "Leave out one of the two."
        )
