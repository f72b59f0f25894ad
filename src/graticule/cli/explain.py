"""``graticule explain``: which parts of these photos do the answers rest on?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graticule.cli.output import REFUSED_SOME, emit, json_option, progress, stderr, stdout

if TYPE_CHECKING:
    from graticule.cli.explain_output import Explained
    from graticule.explanations import Check, Explanation, Method
    from graticule.inference import Model
    from graticule.inference.sources import Source


@click.command("explain")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--model",
    default="default",
    show_default=True,
    help="A name, a bundle's path, hf-hub:owner/name, or the folder of a run of train (uncalibrated).",
)
@click.option(
    "--method",
    "methods",
    default="gradcam",
    show_default=True,
    help="gradcam (as fast as a prediction), occlusion (seconds, for every model of cells), or several: "
    "gradcam,occlusion. Of a run's folder also attention, rollout, gradient-attention (vision transformers) "
    "and integrated-gradients (extra 'explain').",
)
@click.option(
    "--for",
    "target",
    default="best",
    show_default=True,
    help="What to explain: best (the best cell), parent (its parent), cell:17, a cell's name, country:CN, "
    "node:TOKEN.",
)
@click.option("--against", help="What to hold it against, in the same words: why this and not that.")
@click.option(
    "--check", "is_checked", is_flag=True, help="Measure how faithful the methods are on these photos."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write here: .html (to explore, offline), .png (one sheet), or .json (predictions with the maps as "
    "small arrays).",
)
@click.option(
    "--patch",
    default=32,
    show_default=True,
    type=click.IntRange(1),
    help="Occlusion: side of the patch in px.",
)
@click.option(
    "--stride",
    default=8,
    show_default=True,
    type=click.IntRange(1),
    help="Occlusion: its step in px; more than the patch leaves gaps of which nothing is said.",
)
@click.option(
    "--fill",
    default="grey",
    show_default=True,
    type=click.Choice(["grey", "blur", "mean"]),
    help="Occlusion: what the patch shows.",
)
@click.option("--coarse", is_flag=True, help="Occlusion: a tenth of the places, coarse to fine.")
@click.option(
    "--colours",
    default="signed",
    show_default=True,
    type=click.Choice(["signed", "grey"]),
    help="Red for and blue against, or shades of grey. For .png.",
)
@click.option(
    "--opacity",
    default=0.4,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Of the map over the photo. For .png.",
)
@click.option("--threads", type=click.IntRange(1), help="Processor cores to use.  [default: all]")
@json_option
def command(photos: tuple[Path, ...], as_json: bool, **words: Any) -> int:
    """Show which parts of PHOTOS speak for an answer, and which against: files, folders, archives, tables.

    A photo that cannot be read is listed with the reason and the others go on (exit status 3).

    \b
    Examples:
      graticule explain photo.jpg --method gradcam,occlusion --check -o explain.html
      graticule explain photo.jpg --for country:CN --against country:JP -o contrast.png
      graticule explain photos/ -o explained.json
      graticule explain photo.jpg --model runs/mine --method rollout -o rollout.png
    """
    from graticule.cli.explain_output import check_count, check_output, document, write
    from graticule.explanations import OcclusionSettings, occlusion_method
    from graticule.explanations.explaining import chosen_methods
    from graticule.inference.sources import find_sources

    output: Path | None = words["output"]
    if output is not None:
        check_output(output)
    settings = OcclusionSettings(words["patch"], words["stride"], words["fill"], words["coarse"])
    model, more = _loaded(words["model"], words["threads"])
    methods = chosen_methods(
        [name.strip() for name in words["methods"].split(",") if name.strip()],
        more=[occlusion_method(settings), *more],
    )
    _check_methods(model, words["model"], methods, more)
    sources = list(find_sources(list(photos)))
    is_kept = check_count(len(sources), output, is_checked=words["is_checked"])
    explained, refused = _explained(model, sources, methods, words, is_kept=is_kept)
    checked = _checked(model, explained, methods) if words["is_checked"] and explained else None
    if output is not None and explained:
        write(output, model, explained, refused, checked=checked, words=words)
    if as_json:
        emit(document(model, explained, refused, checked))
    else:
        _print(explained, refused, checked)
    if output is not None and explained:
        stderr().print(f"Wrote {output}", markup=False)
    if not refused:
        return 0
    return REFUSED_SOME if explained else 1


def _loaded(name: str, threads: int | None) -> tuple[Model, list[Method]]:
    """The model, and of a run's folder the methods that it has beside."""
    if (Path(name) / "recipe.yaml").is_file():
        from graticule.training.explaining import read_run

        run = read_run(name, threads=threads)
        return run.model, list(run.methods.values())
    from graticule.inference import load_model

    return load_model(name, threads=threads), []


def _check_methods(model: Model, name: str, methods: list[Method], more: list[Method]) -> None:
    """Refuse Grad-CAM of a run that has no map for it, with the methods that a run has beside.

    Raises:
        ExplanationError: there is no convolution map.
    """
    from graticule.errors import ExplanationError

    if more and not model.network.gives_saliency and "gradcam" in [method.name for method in methods]:
        raise ExplanationError(
            f"The network of the run '{name}' ({model.card.architecture}) has no convolution map that is "
            "pooled, which Grad-CAM needs.\n"
            f"Try these instead:  --method {','.join(['occlusion', *(each.name for each in more)])}\n"
            "(Attention maps are of vision transformers; integrated-gradients needs the extra 'explain'.)"
        )


def _explained(
    model: Model, sources: list[Source], methods: list[Method], words: dict[str, Any], *, is_kept: bool
) -> tuple[list[Explained], list[tuple[str, str]]]:
    """The explanations, and of the photos without one the reasons."""
    from graticule.cli.explain_output import Explained
    from graticule.errors import ContrastError, PhotoError
    from graticule.explanations import explain, target_of, view_of
    from graticule.explanations.views import PICTURE_PX

    target = target_of(model, words["target"], against=words["against"])
    explained, refused = [], []
    picture_px = PICTURE_PX if is_kept else model.network.size_px
    asked = model.words(top=10)
    with progress("photos") as bar:
        task = bar.add_task("explain", total=len(sources))
        for source in sources:
            try:
                view = view_of(model, source.photo, picture_px=picture_px)
                explanation: Explanation = explain(model, view, methods, target=target)
            except (PhotoError, ContrastError) as error:
                refused.append((source.photo_id, str(error)))
            else:
                prediction = model.describe(model.look([source]), asked)[0]
                explained.append(Explained.of(source.photo_id, prediction, explanation, is_kept=is_kept))
            bar.advance(task)
    return explained, refused


def _checked(model: Model, explained: list[Explained], methods: list[Method]) -> Check:
    from graticule.explanations import check

    with progress("photos") as bar:
        task = bar.add_task("check", total=len(explained))
        return check(
            model,
            [each.whole for each in explained],
            methods,
            on_progress=lambda done, total: bar.update(task, completed=done, total=total),
        )


def _print(explained: list[Explained], refused: list[tuple[str, str]], checked: Check | None) -> None:
    from graticule.explanations.checking import in_words

    console = stdout()
    for each in explained:
        for line in each.lines:
            console.print(line, markup=False)
    if checked is not None:
        console.print()
        for line in in_words(checked.to_dict(), checked.titles):
            console.print(line, markup=False)
    if refused:
        notes = stderr()
        count = len(refused) + len(explained)
        have = "photo has" if count == 1 else "photos have"
        notes.print(f"{len(refused)} of {count} {have} no explanation:")
        for photo_id, reason in refused:
            notes.print(f"  {photo_id}: {reason}", markup=False)
