"""The page of a grouping of countries."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from graticule.errors import MissingFileError, UsageError
from graticule.partitions import build_s2
from graticule.partitions.groups.clusters import build_clusters
from graticule.reports.clusters import render_clusters, write_clusters_report

pytest.importorskip("sklearn")

PLACES = np.array(
    [[48.86, 2.35], [52.5, 13.4], [1.3, 103.8], [3.1, 101.7], [-6.2, 106.8], [64.1, -21.9], [39.9, 116.4]]
)


@pytest.fixture(scope="module")
def built():
    return build_clusters(PLACES, groups=3)


def test_names_every_group_and_country(built) -> None:
    page = render_clusters(built.partition, built.figures)
    for text in [
        "3 groups of 7 countries",
        *built.partition.tokens,
        "Singapore",
        "Iceland",
        "China",
        "France",
    ]:
        assert text in page
    rows = re.findall(r"<b>(\d+)</b>", page)
    assert rows == [str(size) for size in sorted(built.figures["sizes"], reverse=True)]


def test_plots_mark_the_chosen_number(built) -> None:
    page = render_clusters(built.partition, built.figures)
    inertia = next(row["inertia"] for row in built.figures["curves"] if row["groups"] == 3)
    assert f"3 groups: {inertia:.3g}" in page
    assert f"3 groups: {built.figures['silhouette']:.3g}" in page
    assert page.count("<svg") == 2


def test_compares_and_stays_offline(built, tmp_path: Path) -> None:
    many = build_clusters(np.random.default_rng(0).uniform([-35, -120], [65, 150], (900, 2)), groups=15)
    page = write_clusters_report(tmp_path / "a" / "r.html", many.partition, many.figures).read_text("utf-8")
    for row in many.figures["compared"]:
        assert f"<td>{row['groups']}</td><td>{row['ari']:.2f}</td><td>{row['nmi']:.2f}</td>" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")


def test_two_countries_without_a_silhouette(tmp_path: Path) -> None:
    one = build_clusters(PLACES[:2], groups=2)
    assert "–" in render_clusters(one.partition, one.figures)


def test_other_partitions_and_places_that_cannot_be_written(built, tmp_path: Path) -> None:
    other = build_s2(PLACES, max_photos=5, min_photos=1)
    with pytest.raises(UsageError, match="not the method 's2'"):
        write_clusters_report(tmp_path / "r.html", other, {})
    (tmp_path / "file").write_text("")
    with pytest.raises(MissingFileError, match="Name another file with --report"):
        write_clusters_report(tmp_path / "file" / "r.html", built.partition, built.figures)
