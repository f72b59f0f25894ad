"""Reports that a server is started with: which model they are of, and what of them is handed on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs the extra 'web'")
from starlette.testclient import TestClient
from web_report import write_figures

from graticule.errors import MissingFileError, TableError, UsageError
from graticule.inference import load_model
from graticule.web.app import create_app
from graticule.web.measured import reports_of
from graticule.web.settings import ServerSettings


@pytest.fixture(scope="module")
def report(colour_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "twelve"
    write_figures(folder, colour_bundle)
    return folder


def test_a_report_is_shown_with_its_model(report: Path, colour_bundle: Path) -> None:
    written = json.loads((report / "metrics.json").read_text())
    settings = ServerSettings(models=(str(colour_bundle), "default"), reports=(report,), rate_per_minute=0)
    with TestClient(create_app(settings)) as client:
        (shown,) = client.get("/v1/model").json()["reports"]
        assert client.get("/v1/model", params={"model": "default"}).json()["reports"] == []
    assert shown["name"] == "twelve"
    assert shown["n"] == 12
    assert shown["within_km"] == written["within_km"]
    assert shown["constant"]["within_km"] == written["baselines"]["constant"]["within_km"]
    assert shown["calibration"]["cell"]["bins"] == written["calibration"]["cell"]["bins"]
    assert [row["name"] for row in shown["by_continent"]] == [row["name"] for row in written["by_continent"]]
    assert shown["confusion"]["cell"]["pairs"] == written["confusion"]["cell"]["pairs"]
    assert "flows" not in shown["confusion"]["cell"]


def test_a_report_of_another_model_is_refused(report: Path) -> None:
    with pytest.raises(UsageError, match=r"is of the model 'colours@\w+', which is not served; served: x@1"):
        reports_of("x@1", [report], ["x@1"])


def test_what_is_no_report_is_refused(tmp_path: Path, colour_bundle: Path) -> None:
    identity = load_model(colour_bundle).card.identity
    with pytest.raises(MissingFileError, match=r"There is no report in .*\n.*graticule evaluate"):
        reports_of(identity, [tmp_path], [identity])
    for content, said in (("{", "cannot be read"), ("[]", "is no object of figures")):
        (tmp_path / "metrics.json").write_text(content)
        with pytest.raises(TableError, match=said):
            reports_of(identity, [tmp_path], [identity])
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(UsageError, match="is of no single model that is served"):
        reports_of(identity, [tmp_path], [identity])
