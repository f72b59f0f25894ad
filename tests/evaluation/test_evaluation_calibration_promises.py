"""Promises are kept on other photos: simulated and real; and what breaks them is said in words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from graticule.bundle import BundleCard, RegionRule
from graticule.bundle.regions import cells_within, continents_of_cells, distances_km, limits_of
from graticule.bundle.scaling import scaled, temper
from graticule.errors import TableError, UsageError
from graticule.evaluation.calibration import fit_platt, fit_temperature, fit_vector, least_photos
from graticule.evaluation.calibration.calibrating import CalibrationSettings, calibrate
from graticule.evaluation.calibration.conformal import (
    finite_quantile,
    fit_promises,
    fit_raps,
    is_held,
    true_scores,
)
from graticule.evaluation.calibration.coverage import (
    coverage_in_words,
    coverage_of,
    effective_count,
    expected_range,
    shift_in_words,
)
from graticule.evaluation.calibration.parts import JUDGE, split_parts
from graticule.evaluation.calibration.sample import Sample
from graticule.partitions import Partition, build_s2

PROMISES = (0.8, 0.9, 0.95)
TOWNS = np.array(
    [[48.9, 2.3], [52.5, 13.4], [41.9, 12.5], [39.9, 116.4], [35.7, 139.7], [40.7, -74], [-33.9, 151.2]]
)


@pytest.fixture(scope="module")
def partition() -> Partition:
    random = np.random.default_rng(0)
    places = TOWNS.repeat(60, axis=0) + random.normal(0, 1.5, (420, 2))
    return build_s2(places, max_photos=40, min_photos=5, start_level=3, end_level=8)


def draw(
    count: int, partition: Partition, seed: int, *, sharpness: float = 1.6, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What an overconfident network says of photos, and their true cells; ``weights`` shift the cells."""
    random = np.random.default_rng(seed)
    share = np.ones(partition.count) if weights is None else weights
    cells = random.choice(partition.count, count, p=share / share.sum())
    near = -distances_km(partition.centres)[cells] / 1500
    logits = near + random.gumbel(0, 1.2, (count, partition.count))
    raised = np.exp(sharpness * (logits - logits.max(axis=1, keepdims=True)))
    return raised / raised.sum(axis=1, keepdims=True), cells


def in_binomial_interval(held: np.ndarray, promise: float) -> bool:
    low, high = binom(len(held), promise).ppf([0.025, 0.975])
    return bool(low <= held.sum() <= high)


def test_the_quantile_is_the_literal_one() -> None:
    random = np.random.default_rng(0)
    for count in (1, 4, 9, 19, 50):
        scores = random.random(count)
        for promise in PROMISES:
            rank = int(np.ceil((count + 1) * promise - 1e-9))
            expected = np.inf if rank > count else sorted(scores)[rank - 1]
            assert finite_quantile(scores, promise) == pytest.approx(expected, abs=1e-8)
            assert np.isfinite(finite_quantile(scores, promise)) == (count >= least_photos(promise))
    assert finite_quantile([], 0.9) == np.inf


@pytest.mark.parametrize(
    "rule",
    [RegionRule(), RegionRule(method="raps", penalty=0.01, free_cells=4), RegionRule(method="distance")],
)
def test_promises_lie_in_their_binomial_interval_on_other_photos(
    rule: RegionRule, partition: Partition
) -> None:
    between = distances_km(partition.centres)
    inside, areas = dict.fromkeys(PROMISES, 0), []
    for seed in range(20):
        raw, cells = draw(6000, partition, seed)
        made = fit_promises(rule.scores(raw[:4000], between), cells[:4000], PROMISES)
        scores = rule.scores(raw[4000:], between)
        for promise in PROMISES:
            held = is_held(scores, cells[4000:], made.pooled[f"{promise:g}"])
            inside[promise] += in_binomial_interval(held, promise)
        sets = cells_within(raw[4000:], scores, made.pooled["0.9"])
        areas.append(np.mean([partition.areas_km2[chosen].sum() for chosen in sets]))
    # 19 in 20 lie within, were the threshold exact; it was found on twice as many photos itself
    assert all(count >= 15 for count in inside.values()), inside
    assert np.mean(areas) < 0.9 * partition.areas_km2.sum()


def test_a_shift_of_places_breaks_a_promise_over_all_photos_but_not_one_by_continent(
    partition: Partition,
) -> None:
    continents = np.array(continents_of_cells(partition), dtype=object)
    common = np.where(continents == "EU", 20.0, 1.0)
    swapped = np.where(continents == "EU", 1.0, 20.0)
    raw, cells = draw(6000, partition, 1, weights=common, sharpness=0.5)
    rule = RegionRule()
    # a network that has seen little but Europe says so
    lean = temper(raw * common, 1.0)
    lean /= lean.sum(axis=1, keepdims=True)
    made = fit_promises(rule.scores(lean), cells, PROMISES, groups=continents[cells].tolist())
    other, true = draw(4000, partition, 2, weights=swapped, sharpness=0.5)
    other = other * common / (other * common).sum(axis=1, keepdims=True)
    for promise in PROMISES:
        key = f"{promise:g}"
        pooled = is_held(rule.scores(other), true, made.pooled[key])
        own = is_held(
            rule.scores(other), true, limits_of(made.pooled[key], made.by_group[key], list(continents))
        )
        assert pooled.mean() < promise - 0.05
        assert own.mean() > promise - 0.02
    row = coverage_of(pooled, np.ones(len(pooled)), promise=0.95)
    assert row["verdict"] == "not kept"
    words = shift_in_words(
        row,
        outside=0.0,
        groups=continents[true].tolist(),
        calibration={"outside": 0.0, "continents": {"EU": 90, "AS": 10}},
    )
    assert any("of the photos of calibration" in sentence for sentence in words)
    assert "graticule calibrate" in words[-1]


def test_groups_with_few_photos_share_a_promise_or_have_none(partition: Partition) -> None:
    raw, cells = draw(200, partition, 0)
    scores = RegionRule().scores(raw)
    groups = ["OC"] * 12 + ["AF"] * 9 + ["EU"] * 179
    made = fit_promises(scores, cells, PROMISES, groups=groups)
    assert made.photos == {"AF": 9, "EU": 179, "OC": 12}
    assert made.shared == {"0.8": [], "0.9": [], "0.95": ["AF", "OC"]}
    assert made.unpromised == {"0.8": [], "0.9": [], "0.95": []}
    assert made.by_group["0.95"]["AF"] == made.by_group["0.95"]["OC"]
    together = finite_quantile(true_scores(scores, cells)[:21], 0.95)
    assert made.by_group["0.95"]["AF"] == pytest.approx(max(together, made.by_group["0.9"]["AF"]))
    alone = fit_promises(scores, cells, PROMISES, groups=["OC"] * 12 + ["EU"] * 188)
    assert alone.unpromised["0.95"] == ["OC"]
    assert alone.by_group["0.95"]["OC"] >= max(alone.pooled["0.95"], alone.by_group["0.9"]["OC"])


def test_a_higher_promise_never_has_a_smaller_region(partition: Partition) -> None:
    random = np.random.default_rng(0)
    raw, cells = draw(120, partition, 3)
    cells[random.random(120) < 0.04] = -1
    groups = [("EU", "EU", "AS", "AF")[i % 4] for i in range(120)]
    made = fit_promises(RegionRule().scores(raw), cells, PROMISES, groups=groups)
    limits = [[made.by_group[key][name] for name in ("AF", "AS", "EU")] for key in sorted(made.pooled)]
    assert (np.diff(np.array(limits), axis=0) >= 0).all()


def test_photos_of_one_author_promise_as_few(partition: Partition) -> None:
    """Authors whose photos are all of one cell: whole authors are held out, as they come in practice."""
    kept: dict[str, list[float]] = {"photos": [], "authors": []}
    for seed in range(250):
        raw, cells = draw(340, partition, seed, sharpness=0.5)
        author = np.repeat(np.arange(34), 10)
        raw, cells = raw[author * 10], cells[author * 10]
        scores, calibrating = RegionRule().scores(raw), author < 24
        for name, units in (("photos", None), ("authors", author[calibrating])):
            limit = finite_quantile(true_scores(scores, cells)[calibrating], 0.9, units=units)
            kept[name].append(is_held(scores[~calibrating], cells[~calibrating], limit).mean())
    assert np.mean(kept["authors"]) > 0.9
    assert np.mean(kept["photos"]) < 0.895


def test_too_few_photos_say_how_many_are_needed(partition: Partition) -> None:
    raw, cells = draw(15, partition, 0)
    with pytest.raises(TableError, match=r"15 photos are too few to promise 95 %: at least 19 are needed"):
        fit_promises(RegionRule().scores(raw), cells, (0.95,))
    sample = Sample(raw, np.zeros((15, 2)), [None] * 15, cells, ["EU"] * 15)
    card = BundleCard(name="x", architecture="y", head="MC")
    with pytest.raises(TableError, match=r"15 photos are too few to promise 95 %: at least 48 are needed"):
        calibrate(sample, partition, card=card)


def test_photos_outside_all_cells_limit_what_can_be_promised(partition: Partition) -> None:
    raw, cells = draw(300, partition, 0)
    cells[:21] = -1
    made = fit_promises(RegionRule().scores(raw), cells, PROMISES)
    assert sorted(made.pooled) == ["0.8", "0.9"]
    assert made.refused["0.95"].startswith("21 of 300 photos lie outside all cells")
    assert (true_scores(RegionRule().scores(raw), cells)[:21] == np.inf).all()
    with pytest.raises(TableError, match="lie outside all cells"):
        fit_promises(RegionRule().scores(raw), cells, (0.95,))


def test_parts_never_share_a_group() -> None:
    random = np.random.default_rng(0)
    groups = [f"g{i}" if i < 60 else None for i in random.integers(0, 120, 500)]
    parts = split_parts(groups)
    assert np.bincount(parts).min() > 100
    for name in set(groups) - {None}:
        assert len({part for part, group in zip(parts, groups, strict=True) if group == name}) == 1
    assert (split_parts(groups) == parts).all()
    assert (split_parts(groups, seed=1) != parts).any()


def test_photos_of_one_author_cannot_be_cut(partition: Partition) -> None:
    raw, cells = draw(200, partition, 0)
    sample = Sample(raw, np.zeros((200, 2)), ["ann"] * 200, cells, ["EU"] * 200)
    with pytest.raises(TableError, match=r"without tearing a group apart: 200 photos of 1 groups"):
        calibrate(sample, partition, card=BundleCard(name="x", architecture="y", head="MC"))


def test_bad_samples_are_sentences(partition: Partition) -> None:
    places = np.repeat(partition.centres[:1], 5, axis=0)
    even = np.full((5, partition.count), 1 / partition.count)
    with pytest.raises(TableError, match="No photo with a place could be read"):
        Sample.of(even[:0], places[:0], partition, [])
    with pytest.raises(TableError, match=r"All 5 photos lie in one cell \('"):
        Sample.of(even, places, partition, [None] * 5)
    with pytest.raises(TableError, match="All 5 photos lie outside all cells"):
        Sample.of(even, np.full((5, 2), -80.0), partition, [None] * 5)
    with pytest.raises(UsageError, match="probabilities of 5 of 5 photos are none"):
        Sample.of(even * 3, places, partition, [None] * 5)


def sample_of(partition: Partition, count: int, seed: int, groups: list[str | None] | None = None) -> Sample:
    raw, cells = draw(count, partition, seed)
    return Sample.of(raw, partition.centres[cells], partition, groups or [None] * count)


@pytest.mark.parametrize("scaling", ["temperature", "vector", "platt"])
def test_calibrating_lowers_the_error_on_other_photos(scaling: str, partition: Partition) -> None:
    card = BundleCard(name="x", architecture="y", head="MC")
    settings = CalibrationSettings(scaling=scaling)  # type: ignore[arg-type]
    made = calibrate(
        sample_of(partition, 1500, 4),
        partition,
        card=card,
        settings=settings,
        answer=lambda shares: partition.centres[shares.argmax(axis=1)],
    )
    before, after = (made.document["confidence"][when] for when in ("before", "after"))
    assert after["n"] == before["n"] == made.document["photos"]["judging"] == 525
    assert after["ece"] < 0.7 * before["ece"]
    assert after["nll"] < before["nll"]
    within = made.document["within_km"]
    assert set(within["after"]) == set(within["before"]) == {"200", "750", "2500"}
    assert all(0 <= within[when]["2500"]["ece"] <= 1 for when in within)
    assert made.document["coverage"]["before"] == []  # the card promised nothing
    for row in made.document["coverage"]["after"]:
        low, high = row["expected"]
        assert low <= row["coverage"] <= high
        assert row["verdict"] == "kept"
        assert set(row["by_continent"]) == {"EU", "AS", "NA", "OC"}
    fields = made.fields
    assert (fields["scaling"] is None) == (scaling == "temperature")
    assert fields["calibration"]["photos"]["n"] == 1500
    BundleCard.model_validate(
        card.model_dump() | {k: v.model_dump() if hasattr(v, "model_dump") else v for k, v in fields.items()}
    )


def test_judging_photos_change_nothing_that_is_fitted(partition: Partition) -> None:
    sample = sample_of(partition, 600, 5)
    card = BundleCard(name="x", architecture="y", head="MC")
    judge = split_parts(sample.groups) == JUDGE
    first = calibrate(sample, partition, card=card)
    cells = sample.cells.copy()
    cells[judge] = (cells[judge] + 3) % partition.count
    other = Sample(sample.raw, sample.latlon, sample.groups, cells, sample.continents)
    second = calibrate(other, partition, card=card)
    for name in ("temperature", "scaling", "region_rule", "conformal", "conformal_by_group"):
        assert first.fields[name] == second.fields[name]
    assert second.document["coverage"]["after"][1]["verdict"] == "not kept"
    assert any("NOT KEPT" in remark for remark in second.document["remarks"])


def test_raps_has_no_larger_regions_than_aps(partition: Partition) -> None:
    raw, cells = draw(3000, partition, 6)
    areas = partition.areas_km2
    rule = fit_raps(raw[:1000], cells[:1000], areas, 0.9)
    sizes = {}
    for name, each in (("aps", RegionRule()), ("raps", rule)):
        made = fit_promises(each.scores(raw[1000:2000]), cells[1000:2000], (0.9,))
        sets = cells_within(raw[2000:], each.scores(raw[2000:]), made.pooled["0.9"])
        sizes[name] = np.mean([areas[chosen].sum() for chosen in sets])
    assert sizes["raps"] <= 1.02 * sizes["aps"]


def test_vector_scaling_finds_a_shift_of_the_cells_and_platt_a_slope() -> None:
    random = np.random.default_rng(0)
    true = random.dirichlet([1.0] * 5, 8000)
    cells = (true.cumsum(axis=1) > random.random((8000, 1))).argmax(axis=1)
    bias = np.array([1.0, -1.0, 0.5, 0.0, 0.0])
    stated = true * np.exp(-bias)
    stated /= stated.sum(axis=1, keepdims=True)
    found = np.array(fit_vector(stated[:4000], cells[:4000]).shift)
    assert np.allclose(found - found.mean(), bias - bias.mean(), atol=0.12)

    def loss(shares: np.ndarray) -> float:
        return float(-np.log(shares[np.arange(4000), cells[4000:]]).mean())

    assert loss(fit_vector(stated[:4000], cells[:4000])(stated[4000:])) < loss(stated[4000:]) - 0.1
    sharp = temper(true, 0.5)
    platt = fit_platt(sharp[:4000], cells[:4000])
    assert platt.slope[0] < 0.75
    assert loss(platt(sharp[4000:])) < loss(sharp[4000:]) - 0.02


def test_vector_scaling_of_few_photos_is_held_back() -> None:
    random = np.random.default_rng(0)
    stated = random.dirichlet([1.0] * 50, 20)
    cells = random.integers(0, 50, 20)
    found = fit_vector(stated, cells)
    assert np.abs(np.array(found.shift)).max() < 0.1
    nothing = fit_vector(stated, [-1] * 20)
    assert set(nothing.slope) == {1.0}
    assert set(nothing.shift) == {0.0}
    assert fit_platt(stated, cells, weights=np.zeros(20)).slope == (1.0,)


def test_photos_of_one_author_count_as_few() -> None:
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 10)
    together = np.repeat(random.random(40) < 0.8, 10)
    assert 30 < effective_count(together, group) < 60
    assert effective_count(random.random(400) < 0.8, group) > 250
    wide = coverage_of(together, np.ones(400), promise=0.9, groups=group)
    narrow = coverage_of(together, np.ones(400), promise=0.9)
    assert wide["interval"][1] - wide["interval"][0] > 2 * (narrow["interval"][1] - narrow["interval"][0])


def test_coverage_of_nothing_and_of_one() -> None:
    assert coverage_of([], [], promise=0.9)["verdict"] == "kept"
    assert coverage_of([True], [5.0], promise=0.9)["coverage"] == 1.0
    assert expected_range(0.9, 0) == (0.0, 1.0)
    low, high = expected_range(0.9, 1000, 1000)
    plain = expected_range(0.9, 1000)
    assert low < plain[0] < 0.9 < plain[1] < high
    assert "1 photos" in coverage_in_words(coverage_of([True], [5.0], promise=0.9))


def test_temperature_does_not_care_for_photos_of_no_cell(partition: Partition) -> None:
    raw, cells = draw(300, partition, 0)
    assert fit_temperature(raw, cells) == fit_temperature(
        np.concatenate([raw, raw[:9]]), np.append(cells, [-1] * 9)
    )


@pytest.fixture(scope="module")
def default_answers(shared: Path) -> tuple[Sample, Partition]:
    """What the default model says of real photos that it did not learn from."""
    from graticule.inference import load_model
    from graticule.inference.sources import Source

    folder = shared / "data" / "photos"
    table = pl.read_csv(folder / "photos.csv", infer_schema_length=None).filter(
        pl.col("latitude").is_not_null() & pl.col("usable") & pl.col("split").is_in(["val", "test"])
    )
    model = load_model("default")
    sources = [Source(row["photo_id"], None, folder / row["path"]) for row in table.iter_rows(named=True)]
    raw = np.concatenate([shares for _, shares in model.raw_probabilities(sources)])
    latlon = table.select("latitude", "longitude").to_numpy()
    return Sample.of(raw, latlon, model.partition, table["group"].to_list()), model.partition


@pytest.mark.slow
def test_real_promises_are_kept_on_other_real_photos(default_answers: tuple[Sample, Partition]) -> None:
    """Over 30 ways to cut the photos, since one cut of some hundred photos proves little."""
    sample, partition = default_answers
    card = BundleCard(name="x", architecture="y", head="MC")
    verdicts, shares = {p: [] for p in PROMISES}, {p: [] for p in PROMISES}
    for seed in range(30):
        made = calibrate(sample, partition, card=card, settings=CalibrationSettings(by=None, seed=seed))
        for row in made.document["coverage"]["after"]:
            verdicts[row["promise"]].append(row["verdict"] != "not kept")
            shares[row["promise"]].append(row["coverage"])
    for promise in PROMISES[:2]:
        assert np.mean(shares[promise]) == pytest.approx(promise, abs=0.02)
        assert np.mean(verdicts[promise]) >= 0.85


def test_regions_by_distance_are_compact(partition: Partition) -> None:
    raw, cells = draw(2000, partition, 8)
    between = distances_km(partition.centres)
    rule = RegionRule(method="distance")
    stated = scaled(raw, temperature=fit_temperature(raw[:500], cells[:500]))
    made = fit_promises(rule.scores(stated[:1000], between), cells[:1000], (0.8,))
    compact = cells_within(stated[1000:], rule.scores(stated[1000:], between), made.pooled["0.8"])
    aps = fit_promises(RegionRule().scores(stated[:1000]), cells[:1000], (0.8,))
    spread = cells_within(stated[1000:], RegionRule().scores(stated[1000:]), aps.pooled["0.8"])

    def width(sets: list[np.ndarray]) -> float:
        return float(np.mean([between[np.ix_(chosen, chosen)].mean() for chosen in sets]))

    assert width(compact) < width(spread)
