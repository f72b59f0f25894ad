"""``graticule audit``: does a model look at the place, or at something that only happens to be there?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, progress, stderr, stdout

if TYPE_CHECKING:
    from graticule.explanations.auditing import Audit
    from graticule.inference import Model
    from graticule.reports.audit import AuditPictures

SHOWN = 5
"""So many photos that cannot be used are named."""


@click.command("audit")
@click.argument("model")
@click.option(
    "--photos",
    required=True,
    type=click.Path(path_type=Path),
    help="Photos with places: a photo table, or what ingest reads.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the report into this folder.")
@click.option("--split", help="Photos of this split; 'all' for all.  [default: test, else all but train]")
@click.option(
    "--limit", default=600, show_default=True, type=click.IntRange(1), help="So many photos at most."
)
@click.option(
    "--rectangle",
    "rectangles",
    multiple=True,
    metavar="T,L,B,R",
    help="Also test this part of the square that the network sees: top,left,bottom,right as shares of its "
    "sides. May be given several times.",
)
@click.option(
    "--mask",
    "masks",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Also test this part: a picture of the size that the network sees, whose dark pixels are covered.",
)
@click.option(
    "--patch-photos",
    default=100,
    show_default=True,
    type=click.IntRange(1),
    help="Photos for the patch map; the network looks at 100 pictures for each.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Which photos are drawn.")
@click.option("--threads", type=click.IntRange(1), help="Processor cores to use.  [default: all]")
@json_option
def command(
    model: str,
    photos: Path,
    output: Path | None,
    threads: int | None,
    as_json: bool,
    **words: Any,
) -> int:
    """Find out whether MODEL leans on a part of the picture that is no evidence of the place.

    Covers edges, corners and a rectangle that it looks for by itself, and names the countries whose accuracy
    falls more than with random rectangles of the same size, whose name that part carries into other photos,
    and where it looks the same from trip to trip. Shows a map of what matters, the crops that return, and
    whether photos of authors or trips that were trained on are placed better.

    \b
    Examples:
      graticule audit default --photos photos/ -o audit/
      graticule audit models/mine --photos photos/ --rectangle 0.8,0,1,1 -o audit/
    """
    from graticule.explanations.auditing import AuditSettings, audit
    from graticule.inference import load_model
    from graticule.reports.audit import write_audit_report
    from graticule.reports.page import check_folder

    settings = AuditSettings(
        split=words["split"], limit=words["limit"], patch_photos=words["patch_photos"], seed=words["seed"]
    )
    rectangles = _rectangles(words["rectangles"])
    if output is not None:
        check_folder(output)
    loaded = load_model(model, threads=threads)
    parts = rectangles | _masks(words["masks"], loaded)
    with progress("steps") as bar:
        tasks: dict[str, Any] = {}

        def step(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=of)
            bar.update(tasks[what], completed=done, total=of)

        found = audit(loaded, photos, parts=parts, settings=settings, on_step=step)
    if as_json:
        emit(found.document)
    else:
        _print(found.document)
    notes = stderr()
    if output is not None:
        page = write_audit_report(output, found.document, _pictures(found))
        notes.print(f"Wrote {page}", markup=False)
    failed = found.document["photos"]["failed"]
    for photo_id, reason in list(failed.items())[:SHOWN]:
        notes.print(f"{photo_id}: {reason}", markup=False)
    if len(failed) > SHOWN:
        notes.print(f"... and {len(failed) - SHOWN} more photos that cannot be used")
    return REFUSED_SOME if failed else 0


def _rectangles(words: tuple[str, ...]) -> dict[str, Any]:
    from graticule.explanations.auditing import Rectangle

    return {each: Rectangle.parse(each) for each in words}


def _masks(paths: tuple[Path, ...], model: Model) -> dict[str, Any]:
    from graticule.explanations.auditing.rectangles import read_mask

    return {str(path): read_mask(path, model.network.size_px) for path in paths}


def _print(document: dict[str, Any]) -> None:
    console, photos = stdout(), document["photos"]
    split = f" of the split {photos['split']}" if photos["split"] else ""
    console.print(
        f"{photos['looked_at']:,} photos{split}, {photos['countries']:,} countries, "
        f"{photos['groups']:,} groups; country found: {100 * photos['accuracy']:.1f} %"
    )
    head = f"{'part':<22}{'area':>7}{'nothing':>9}{'covered':>9}{'random':>9}"
    head += "  countries that lean on it (*: it repeats)"
    console.print(head, style="bold")
    for part in document["tested"]:
        shares = [part[key] for key in ("area", "accuracy", "accuracy_covered", "accuracy_random")]
        line = f"{part['region'][:21]:<22}" + f"{100 * shares[0]:>6.0f}%"
        line += "".join(f"{100 * share:>8.1f}%" for share in shares[1:])
        console.print(f"{line}  {_leaning(part)}", markup=False)
    for sentence in document["verdict"]:
        console.print(sentence, markup=False)
    if document["retrain"]:
        console.print(f"To train again without it:  {document['retrain']['type']}", markup=False)


def _leaning(part: dict[str, Any]) -> str:
    """The countries that lean on a part, a star at those where it repeats from trip to trip."""
    return ", ".join(f"{code}{'*' * (code in part['named'])}" for code in part["leaning"]) or "-"


def _pictures(found: Audit) -> AuditPictures:
    from graticule.reports.audit import AuditPictures, Sheet

    has_map = len(found.patches.rows) > 0
    return AuditPictures(
        usual=found.usual,
        example=found.subject.squares[found.patches.rows[found.example]] if has_map else None,
        example_drops=found.patches.drops[found.example] if has_map else None,
        sheets=[Sheet(clue.country, clue.crops, clue.clusters) for clue in found.clues],
    )
