"""``graticule privacy``: what does this photo give away, and a copy that gives away less."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, progress, stderr, stdout

if TYPE_CHECKING:
    from graticule.explanations.privacy import PrivacyReport


@click.command("privacy")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model", default="default", show_default=True, help="A name, a bundle's path, or hf-hub:owner/name."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write the copy here: a file (.jpg .png .webp .tif .heic), or for several photos a folder.",
)
@click.option(
    "--blur",
    default=0.2,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Share of what the model looks at that may be blurred; 0: only metadata is taken off.",
)
@click.option("--threads", type=click.IntRange(1), help="Processor cores to use.  [default: all]")
@json_option
def command(
    photos: tuple[Path, ...],
    model: str,
    output: Path | None,
    blur: float,
    threads: int | None,
    as_json: bool,
) -> int:
    """Say what PHOTOS give away, and write copies that give away less: files, folders or archives.

    Tells what the metadata says (position, time, device, thumbnail), and which parts of the picture take most
    of the model's confidence when they are blurred. The copy has these parts blurred and no metadata, and the
    effect is measured on it. Faces are neither recognised nor named. The photo itself is never written to.

    \b
    Examples:
      graticule privacy holiday.jpg
      graticule privacy holiday.jpg -o clean.jpg
      graticule privacy photos/ -o clean/ --blur 0       # metadata only; JPEGs lose no pixel
    """
    from graticule.errors import PhotoError
    from graticule.explanations.privacy import PrivacySettings, check_privacy
    from graticule.explanations.privacy.copies import Copies, photo_of
    from graticule.inference import load_model
    from graticule.inference.sources import find_sources

    sources = list(find_sources(list(photos)))
    copies = Copies.planned(sources, output)
    loaded = load_model(model, threads=threads) if blur > 0 else None
    settings = PrivacySettings(most_area=blur)
    rows: list[dict[str, Any]] = []
    with progress("photos") as bar:
        task = bar.add_task("privacy", total=len(sources))
        for source in sources:
            try:
                report = check_privacy(
                    loaded,
                    photo_of(source),
                    settings=settings,
                    form=copies.form,
                    name=f"Photo '{source.photo_id}'",
                )
                written = copies.write(source, report.clean, report.form)
            except PhotoError as error:
                rows.append({"photo_id": source.photo_id, "path": source.path, "error": str(error)})
            else:
                rows.append(
                    {
                        "photo_id": source.photo_id,
                        "path": source.path,
                        **report.to_dict(),
                        "written": None if written is None else str(written),
                        "error": None,
                    }
                )
                if not as_json:
                    _print(source.photo_id, report, written)
            bar.advance(task)
    failed = [row for row in rows if row["error"] is not None]
    if as_json:
        emit({"model": None if loaded is None else loaded.card.identity, "photos": rows})
    for row in failed:
        stderr().print(f"{row['photo_id']}: {row['error']}", markup=False)
    if not failed:
        return 0
    return 1 if len(failed) == len(rows) else REFUSED_SOME


def _print(photo_id: str, report: PrivacyReport, written: Path | None) -> None:
    from graticule.explanations.privacy.words import in_sentences

    console = stdout()
    console.print(photo_id, style="bold", markup=False)
    for line in in_sentences(report):
        console.print(f"  {line}", markup=False)
    if written is not None:
        stderr().print(f"Wrote {written}", markup=False)
