"""Heads that give places, from a recipe to a prediction without torch: trained, exported, predicted."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from graticule.errors import RecipeError, UsageError
from graticule.geo.sphere import great_circle_km
from graticule.inference import load_model
from graticule.training.exporting.export import export
from graticule.training.recipe.files import check_recipe
from graticule.training.train import resume, train
from tiny_world import tiny_recipe, tiny_values


def silent(line: str) -> None:
    """Say nothing."""


LOSSES = {
    "regression": {"name": "great-circle", "unit_km": 1000},
    "unit-sphere": {"name": "great-circle", "unit_km": 1000},
    "von-mises-fisher": {"name": "mixture-likelihood"},
    "hybrid": {"terms": [{"name": "cross-entropy"}, {"name": "cell-offset", "unit_km": 100}]},
}
PHASES = [{"name": "all", "epochs": 15, "learning_rate": 0.003, "schedule": "cosine"}]


def values_of(world: Path, head: str, **changes: object) -> dict[str, object]:
    network = {
        **tiny_values(world)["network"],  # type: ignore[dict-item]
        "head": {"name": head, "hidden": [64, 32], "components": 8},
    }
    return {"network": network, "loss": LOSSES[head], "phases": PHASES, **changes}


@pytest.mark.parametrize("head", LOSSES)
def test_a_head_of_places_goes_through_the_whole_flow(head: str, world: Path, tmp_path: Path) -> None:
    recipe = tiny_recipe(world, **values_of(world, head))
    report = train(recipe, tmp_path / "run", say=silent)
    history = report.history
    assert history[-1]["val_loss"] < history[0]["val_loss"]
    assert min(row["val_median_km"] for row in history) < 3000  # four towns over 10,000 km apart
    metrics = json.loads((tmp_path / "run" / "evaluation" / "best_loss_val" / "metrics.json").read_text())
    assert metrics["median_km"] < 3000
    assert max(row["val_top1"] for row in history) > 0.2  # also of heads whose places lie in cells
    assert resume(tmp_path / "run", say=silent).history == history

    exported = export(tmp_path / "run", tmp_path / "model", say=silent)
    assert exported.parity[0].same_place == 1
    assert exported.card.estimate == "position"
    model = load_model(tmp_path / "model")
    truth = pl.read_parquet(world / "photos.parquet").filter(pl.col("split") == "test")
    photos = [str(world / path) for path in truth["path"]]
    found = model.predict([*photos, b"no photo"])
    assert found.failed == 1
    places = found.to_polars().head(len(photos)).select("latitude", "longitude").to_numpy()
    off_km = great_circle_km(places, truth.select("latitude", "longitude").to_numpy())
    assert float(pl.Series(off_km).median()) < 3000  # type: ignore[arg-type]
    first = found[0]
    if head in ("von-mises-fisher", "hybrid"):
        assert first.confidence is not None
        assert 0 < first.confidence <= 1
        assert sum(candidate.probability for candidate in first.candidates) == pytest.approx(1, abs=1e-4)
        by_cell = model.predict(photos, estimate="best-cell")
        assert (by_cell[0].latitude, by_cell[0].longitude) == (
            by_cell[0].candidates[0].latitude,
            by_cell[0].candidates[0].longitude,
        )
        return
    assert first.confidence is None
    assert first.candidates == ()
    assert first.region_cells is None
    assert found.probabilities is None
    assert str(first).endswith("without a confidence")
    assert exported.parity[0].max_difference is None
    with pytest.raises(UsageError, match=r"has no estimate 'best-cell'. Expected position."):
        model.predict(photos, estimate="best-cell")
    found.write(tmp_path / "predictions.parquet")
    found.map(tmp_path / "map.html")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"loss": {}}, r"'cross-entropy' needs scores of cells, but the head 'regression' gives places"),
        ({"evaluation": {"estimate": "best-cell"}}, r"the head 'regression' knows no cells; leave it out"),
        (
            {"loss": {"name": "great-circle", "class_weights": {"by": "inverse-frequency"}}},
            r"is about cells",
        ),
    ],
)
def test_what_does_not_go_with_a_place_is_refused(
    changes: dict[str, object], message: str, world: Path
) -> None:
    values = {**tiny_values(world), **values_of(world, "regression", **changes)}
    with pytest.raises(RecipeError, match=message):
        check_recipe(values, "r.yaml")


def test_what_does_not_go_with_cells_is_refused(world: Path) -> None:
    with pytest.raises(RecipeError, match=r"needs places, but the head 'mc' scores cells; set network.head"):
        check_recipe({**tiny_values(world), "loss": {"name": "great-circle"}}, "r.yaml")
    with pytest.raises(RecipeError, match=r"the head 'mc' gives no position"):
        check_recipe({**tiny_values(world), "evaluation": {"estimate": "position"}}, "r.yaml")


def test_several_resolutions_go_through_the_whole_flow(world: Path, tmp_path: Path) -> None:
    network = {**tiny_values(world)["network"], "head": "multi"}  # type: ignore[dict-item]
    partition = {"method": "multi", "of": "s2", "resolutions": [20, 10], "min_photos": 2}
    recipe = tiny_recipe(
        world, network=network, partition=partition, loss={"name": "output-logarithm"}, phases=PHASES
    )
    report = train(recipe, tmp_path / "run", say=silent)
    assert max(row["val_top1"] for row in report.history) > 0.4  # two cells in each town's noise
    exported = export(tmp_path / "run", tmp_path / "model", say=silent)
    assert exported.parity[0].max_difference is not None
    found = load_model(tmp_path / "model").predict(str(next((world / "images").glob("FR-test-*.png"))))
    assert found[0].country == "FR"


@pytest.mark.parametrize(
    ("head", "loss", "message"),
    [
        ("hybrid", {}, r"the head 'hybrid' learns cells and the places in them"),
        ("hybrid", {"name": "cell-offset"}, r"so it needs a loss of cells and cell-offset"),
        ("mc", {"terms": [{}, {"name": "cell-offset"}]}, r"cell-offset is of the head 'hybrid'"),
    ],
)
def test_hybrid_needs_both_losses(head: str, loss: dict[str, object], message: str, world: Path) -> None:
    values = tiny_values(world)
    values = {**values, "network": {**values["network"], "head": head}, "loss": loss}  # type: ignore[dict-item]
    with pytest.raises(RecipeError, match=message):
        check_recipe(values, "r.yaml")
