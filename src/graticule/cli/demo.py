"""``graticule demo``: one photo, located, on a map; the first minute with graticule."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

import click
import numpy as np

from graticule.cli.output import emit, json_option, stderr, stdout
from graticule.config import require

SUMMER_PALACE: Final = (39.9996, 116.2755)
"""Where scikit-learn's photo china.jpg was taken, in (latitude, longitude) degrees: Kunming Lake, Beijing."""


@click.command("demo")
@click.argument("photo", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o", "--output", default="demo", show_default=True, type=click.Path(path_type=Path), help="Folder."
)
@click.option("--model", default="default", show_default=True, help="A name, or a bundle's path.")
@json_option
def command(photo: Path | None, output: Path, model: str, as_json: bool) -> int:
    """Locate PHOTO and draw the answer on a map.

    Without PHOTO it takes china.jpg, which scikit-learn brings along and whose true place is known.

    \b
    Example:
      graticule demo my.jpg -o demo
    """
    from graticule.geo.sphere import great_circle_km
    from graticule.inference import load_model

    output.mkdir(parents=True, exist_ok=True)
    truth = None
    if photo is None:
        photo = sample_photo()
        truth = np.array([SUMMER_PALACE])
    predictions = load_model(model).predict(photo)
    answer = predictions[0]
    if answer.error is None:
        page = predictions.map(output / "index.html", truth=truth)
        predictions.write(output / "predictions.json")
    if as_json:
        emit(answer.to_dict())
    else:
        stdout().print(str(answer), markup=False)
    if answer.error is not None:
        return 1
    notes = stderr()
    if truth is not None:
        estimate = np.array([[answer.latitude, answer.longitude]], dtype=np.float64)
        away_km = float(great_circle_km(estimate, truth)[0])
        notes.print(f"\nThe truth: Summer Palace, Beijing; the estimate is {away_km:,.0f} km away.")
    notes.print(f"The map: {page} (open it in a browser; it needs no network)")
    return 0


def sample_photo() -> Path:
    """The path of scikit-learn's bundled photo china.jpg.

    Raises:
        MissingPackageError: scikit-learn is not installed.
    """
    require("sklearn")
    return Path(str(files("sklearn.datasets") / "images" / "china.jpg"))
