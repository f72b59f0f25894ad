"""``graticule predict``: where were these photos taken?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, progress, stderr, stdout
from graticule.cli.predict_batch import Batch, batch_options, known_places, paths_from_stdin, report

if TYPE_CHECKING:
    from graticule.predictions import Predictions

SHOWN = 20
"""So many photos at most are listed one by one on the terminal."""


@click.command("predict")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model", default="default", show_default=True, help="A name, a bundle's path, or hf-hub:owner/name."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write predictions here; the ending says how: .parquet .csv .json .jsonl .geojson .html (a map). "
    "Without an ending: a folder of parts, which goes on where it was killed.",
)
@click.option(
    "--map",
    "map_path",
    type=click.Path(path_type=Path),
    help="Also write a map: .html (to explore, offline), or .png, .svg, .pdf for print (extra 'report').",
)
@click.option(
    "--top", default=10, show_default=True, type=click.IntRange(1), help="Candidates kept per photo."
)
@click.option(
    "--estimate",
    type=click.Choice(["best-cell", "expected-distance", "position"]),
    help="The point: the best cell's mean place, or least expected error. Default: the model's own.",
)
@click.option(
    "--promise",
    type=float,
    help="How often the region is to hold the truth, a share that the model offers.  [default: 0.9]",
)
@click.option("--batch-size", default=32, show_default=True, type=click.IntRange(1), help="Photos per batch.")
@click.option("--threads", type=click.IntRange(1), help="Processor cores to use.  [default: all]")
@batch_options
@json_option
def command(
    photos: tuple[Path, ...],
    model: str,
    output: Path | None,
    map_path: Path | None,
    top: int,
    estimate: Any,
    promise: float | None,
    batch_size: int,
    threads: int | None,
    batch: Batch,
    as_json: bool,
) -> int:
    """Say where PHOTOS were taken: files, folders, archives, photo tables, or - for paths from stdin.

    A photo that cannot be read is listed with the reason and the others go on (exit status 3).
    A photo's own GPS position is never used.

    \b
    Examples:
      graticule predict holiday.jpg --map map.html
      graticule predict photos/ -o predictions.parquet
      graticule predict archive/ -o out/            # killed? type it again
    """
    from graticule.errors import MissingFileError, UsageError
    from graticule.inference import load_model
    from graticule.inference.sources import find_sources
    from graticule.predictions.files import check_target

    in_parts = output is not None and not output.suffix
    if output is not None and not in_parts:
        check_target(output)
    if map_path is not None:
        _check_map(map_path)
    if in_parts and map_path is not None and _is_picture(map_path):
        raise UsageError(
            "A folder of parts holds no probabilities of all cells, which a map as a picture shows.\n"
            "Name a file:  -o predictions.parquet     or another map:  --map map.html"
        )
    given = list(paths_from_stdin() if photos == (Path("-"),) else photos)
    for path in photos:
        if not path.suffix and path != Path("-") and not path.exists():
            raise MissingFileError(f"There is no file or folder '{path}'.\nCheck the path.")
    loaded = load_model(model, threads=threads)
    if output is not None and in_parts:
        options = {"top": top, "estimate": estimate, "promise": promise, "batch_size": batch_size}
        done = batch.fill(output, loaded, model, find_sources(given), **options)
        if done is not None and map_path is not None:
            stderr().print(f"Wrote {done.map(map_path, truth=known_places(output))}")
        return report(output, done, as_json=as_json)
    batch.check_unused()
    sources = list(find_sources(given))
    drawn = map_path is not None or (output is not None and output.suffix.lower() == ".html")
    words = {"top": top, "estimate": estimate, "promise": promise, "batch_size": batch_size}
    predictions = _run(loaded, sources, drawn=drawn, **words)
    truth = _truth(sources)
    written = []
    if output is not None:
        written.append(
            predictions.map(output, truth=truth)
            if output.suffix.lower() == ".html"
            else predictions.write(output)
        )
    if map_path is not None and not (_is_picture(map_path) and predictions.failed == len(predictions)):
        written.append(_write_map(map_path, predictions, truth))
    if as_json:
        emit({"model": loaded.card.identity, "predictions": [item.to_dict() for item in predictions]})
    else:
        _print(predictions, listed=output is None or len(predictions) == 1)
    for path in written:
        stderr().print(f"Wrote {path}")
    if predictions.failed == 0:
        return 0
    return 1 if predictions.failed == len(predictions) else REFUSED_SOME


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() != ".html"


def _check_map(path: Path) -> None:
    """Refuse, before any work is done, a map that could not be written."""
    from graticule.predictions.files import check_target

    if not _is_picture(path):
        check_target(path)
        return
    from graticule.config import nearest
    from graticule.errors import UsageError
    from graticule.reports.cartography import ENDINGS
    from graticule.reports.prediction_figure import check_map_path

    known = (".html", *ENDINGS)
    if path.suffix.lower() not in known:
        close = nearest(path.suffix.lower(), known) or ".html"
        raise UsageError(
            f"'{path}' is no map: its ending is none of {', '.join(known)}.\n"
            f"Type:  --map {path.with_suffix(close)}"
        )
    check_map_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)


def _write_map(path: Path, predictions: Predictions, truth: Any) -> Path:
    if not _is_picture(path):
        return predictions.map(path, truth=truth)
    from graticule.reports.prediction_figure import write_prediction_figure

    return write_prediction_figure(path, predictions, truth=truth)


def _run(model: Any, sources: list[Any], *, drawn: bool, **options: Any) -> Predictions:
    """All predictions, with a progress bar; the probabilities of every cell are kept only to be drawn."""
    from graticule.predictions import Predictions

    parts = []
    with progress("photos") as bar:
        task = bar.add_task("predict", total=len(sources))
        for part in model.predict_batches(sources, **options):
            parts.append(part if drawn else part.without_probabilities())
            bar.advance(task, len(part))
    return Predictions.concat(parts)


def _truth(sources: list[Any]) -> Any:
    """Known places (N, 2) in degrees, NaN where unknown; None when no photo has one."""
    import numpy as np

    if not any(source.truth for source in sources):
        return None
    return np.array([source.truth or (np.nan, np.nan) for source in sources], dtype=np.float64)


def _print(predictions: Predictions, *, listed: bool) -> None:
    console = stdout()
    if listed:
        for item in predictions[:SHOWN]:
            console.print(str(item), markup=False)
        if len(predictions) > SHOWN:
            console.print(
                f"... and {len(predictions) - SHOWN} more; write them all with  -o predictions.parquet"
            )
    failures = [item for item in predictions if item.error is not None]
    if failures and not (listed and len(predictions) <= SHOWN):
        notes = stderr()
        notes.print(f"{len(failures)} of {len(predictions)} photos have no answer:")
        for item in failures[:SHOWN]:
            notes.print(f"  {item.photo_id}: {item.error}", markup=False)
        if len(failures) > SHOWN:
            notes.print(f"  ... and {len(failures) - SHOWN} more: column 'error' of the output")
