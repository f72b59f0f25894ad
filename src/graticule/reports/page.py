"""What all report pages have in common: the frame around them, how they are rendered and written."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2

from graticule._version import __version__
from graticule.errors import MissingFileError
from graticule.reports.palette import variables

PAGE = "index.html"


def render_page(
    template: str,
    *,
    title: str,
    filters: Mapping[str, Callable[..., Any]] | None = None,
    has_images: bool = False,
    script: str = "",
    **names: Any,
) -> str:
    """The HTML text of a page that opens offline and asks nobody for anything.

    Convention:
        - ``template``: a file of ``templates`` that fills the blocks of ``_page.html``
        - ``filters``, ``names``: what the template calls and shows; a name that is missing is an error
        - ``has_images``: whether the page holds pictures as data, which its policy then allows
        - ``script``: JavaScript at the page's end; its policy allows these very bytes and no others
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("graticule.reports"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= dict(filters or {})
    style = (resources.files("graticule.reports") / "templates" / "report.css").read_text(encoding="utf-8")
    environment.globals |= {
        "has_images": has_images,
        "script": script,
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "style": variables() + style,
        "title": title,
        "version": __version__,
        **names,
    }
    return environment.get_template(template).render()


def check_folder(folder: Path) -> None:
    """Refuse, before long work is done, a folder that a report could not be written into; it is made.

    Raises:
        MissingFileError: it cannot be written.
    """
    with writing(folder), tempfile.TemporaryFile(dir=folder):
        pass


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make ``folder`` and let a report be written into it.

    Raises:
        MissingFileError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise MissingFileError(
            f"The report cannot be written to '{folder}' ({error.strerror or error}).\n"
            "Name a folder you may write to:  -o REPORT"
        ) from error
