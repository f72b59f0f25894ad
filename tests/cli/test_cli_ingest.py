"""``graticule ingest`` as a user types it: what is printed, where, and the exit status."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from PIL import Image

from graticule.cli.ingest import command
from graticule.cli.main import main
from graticule.errors import MissingFileError
from graticule.photos.layouts import LAYOUTS
from graticule.photos.table import read_photo_table


@pytest.fixture
def trip(tmp_path) -> Path:
    folder = tmp_path / "trip"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (40, 30), (0, 90 * number, 0)).save(folder / f"{number}.jpg")
    lines = [
        "file,latitude,longitude,author",
        "0.jpg,48.857,2.352,anna",
        "1.jpg,41.9,12.5,ben",
        "2.jpg,35.7,139.7,anna",
    ]
    (folder / "photos.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def run(capsys):
    """What ``graticule ingest WORDS`` exits with and prints: (status, stdout, stderr)."""

    def typed(*words) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["ingest", *map(str, words)])
        printed = capsys.readouterr()
        return stopped.value.code, printed.out, printed.err

    return typed


def test_a_good_folder_exits_0_and_says_what_it_did(run, trip, tmp_path):
    status, out, err = run(trip, "-o", tmp_path / "out")
    assert (status, err) == (0, "")
    assert out.startswith("Layout table: 'photos.csv' beside the photos says where they were taken.\n")
    lines = [line.split() for line in out.splitlines()]
    assert ["read", "3"] in lines
    assert ["kept", "3"] in lines
    assert ["continent", "2", "Europe"] in lines
    assert ["countries", "3", "France", "1,", "Italy", "1,", "Japan", "1"] in lines
    assert f"Wrote {tmp_path / 'out' / 'photos.parquet'} and {tmp_path / 'out' / 'ingest.json'}" in out
    assert pl.read_parquet(tmp_path / "out" / "photos.parquet")["group"].to_list() == ["anna", "ben", "anna"]


def test_refused_photos_exit_3_and_are_told_on_stderr(run, trip, tmp_path):
    (trip / "1.jpg").write_bytes(b"")
    status, out, err = run(trip, "-o", tmp_path / "out")
    assert status == 3
    assert "refused 1 empty" in " ".join(out.split())
    assert err == f"Refused (empty): Photo '{trip / '1.jpg'}' is empty (0 bytes). Copy or fetch it again.\n"
    report = json.loads((tmp_path / "out" / "ingest.json").read_text(encoding="utf-8"))
    assert (report["read"], report["kept"], report["refused"]) == (3, 2, {"empty": 1})


def test_all_refused_exits_3_too_and_still_writes(run, trip, tmp_path):
    for number in range(3):
        (trip / f"{number}.jpg").write_text("no image")
    status, _, err = run(trip, "-o", tmp_path / "out", "--layout", "exif")
    assert status == 3
    assert err.count("Refused (not-an-image)") == 3
    assert (tmp_path / "out" / "photos.parquet").is_file()


def test_many_refused_photos_are_not_all_printed(run, trip, tmp_path):
    lines = [f"x{number}.jpg,1,2" for number in range(30)]
    (trip / "photos.csv").write_text("\n".join(["file,lat,lon", "0.jpg,48.8,2.3", *lines]))
    status, _, err = run(trip, "-o", tmp_path / "out")
    assert status == 3
    assert err.count("Refused (missing)") == 12
    assert f"... and 18 more refused; all are listed in {tmp_path / 'out' / 'ingest.json'}." in err


def test_json_is_one_document_on_stdout(run, trip, tmp_path):
    (trip / "1.jpg").write_bytes(b"")
    status, out, err = run(trip, "-o", tmp_path / "out", "--json")
    assert (status, err) == (3, "")
    document = json.loads(out)
    assert document == json.loads((tmp_path / "out" / "ingest.json").read_text(encoding="utf-8"))
    assert document["refusals"][0]["photo_id"] == "1.jpg"


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["none", "-o", "out"], 1, "There is no file or folder 'none'."),
        (["tripp", "-o", "out"], 1, "Did you mean:  trip"),
        (["trip"], 2, "Missing option '-o'"),
        (["trip", "-o", "trip/0.jpg"], 2, "is a file. Name a folder"),
        (["trip", "-o", "out", "--layout", "exiff"], 2, "Did you mean:  --layout exif"),
        (["trip", "-o", "out", "--latitude", "latitud"], 2, "Did you mean:  --latitude latitude"),
        (["trip", "-o", "out", "--images", "none"], 1, "There is no file or folder 'none'."),
        (["trip", "-o", "out", "--workers", "0"], 2, "--workers"),
        (["trip/0.jpg", "-o", "out"], 2, "is neither a folder nor a table"),
        (["void", "-o", "out"], 1, "Folder 'void' holds no photos"),
    ],
)
def test_wrong_words_are_answered_with_advice(run, trip, tmp_path, monkeypatch, words, status, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "void").mkdir()
    code, out, err = run(*words)
    assert (code, out) == (status, "")
    assert said in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_the_line_that_an_error_advises_works_when_typed(run, trip, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (trip / "photos.csv").write_text("file,lat,lng\n0.jpg,139.7,35.7\n1.jpg,139.8,35.8\n2.jpg,139.9,35.9\n")
    status, _, err = run("trip", "-o", "out")
    assert status == 1
    line = next(line for line in err.splitlines() if line.startswith("Exchange them:")).partition(":  ")[2]
    assert line == "graticule ingest trip -o out --latitude lng --longitude lat"
    status, out, _ = run(*line.split()[2:])
    assert status == 0
    assert "Japan 3" in out


def test_errors_are_json_too(run, tmp_path):
    status, out, _ = run(tmp_path / "none", "-o", tmp_path / "out", "--json")
    assert status == 1
    assert json.loads(out)["error"]["type"] == "MissingFileError"


def test_the_help_shows_an_example_and_how_to_list_the_layouts():
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0
    assert "\n    graticule ingest DCIM/ -o photos\n" in result.output
    assert "--list-layouts" in result.output


def test_every_layout_is_listed_and_documented():
    result = CliRunner().invoke(command, ["--list-layouts"])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line.split()[0] for line in lines] == [layout.name for layout in LAYOUTS]
    page = (Path(__file__).parents[2] / "docs" / "photos.md").read_text(encoding="utf-8")
    for layout in LAYOUTS:
        assert f"| `{layout.name}` |" in page


def test_in_a_process_of_its_own_with_warnings_as_errors(trip, tmp_path):
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (48.0, 51.4, 0.0), 3: "E", 4: (2.0, 21.0, 0.0)}
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "JPEG", exif=exif.tobytes())
    (trip / "photos.csv").unlink()
    (trip / "0.jpg").write_bytes(file.getvalue())
    words = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "graticule",
        "ingest",
        str(trip),
        "-o",
        str(tmp_path / "out"),
        "--json",
    ]
    result = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ})
    assert result.returncode == 3, result.stderr
    report = json.loads(result.stdout)
    assert (report["kept"], report["refused"], report["countries"]) == (1, {"no-position": 2}, {"FR": 1})
    assert result.stderr == ""


def test_ingest_asks_for_no_torch(trip, tmp_path):
    program = (
        "import sys; from graticule.photos.ingest import ingest; ingest(sys.argv[1], sys.argv[2]);"
        "assert not {'torch', 'matplotlib', 'onnxruntime', 'fastapi'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(trip), str(tmp_path / "out")], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix's")
@pytest.mark.parametrize("words", [[], ["--max-side", "32", "--shards"]])
def test_a_file_that_cannot_grow_is_a_sentence(trip, tmp_path, words):
    import resource

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    typed = [sys.executable, "-m", "graticule", "ingest", str(trip), "-o", str(tmp_path / "out"), *words]
    result = subprocess.run(typed, capture_output=True, text=True, check=False, preexec_fn=little_room)
    assert result.returncode == 1
    assert result.stderr.startswith("Error: File too large")
    assert "or name another place." in result.stderr
    assert "Traceback" not in result.stderr


def test_storing_that_was_stopped_is_told_apart_from_no_table(trip, tmp_path, run):
    run(trip, "-o", tmp_path / "small", "--max-side", "32")
    (tmp_path / "small" / "photos.parquet").unlink()
    with pytest.raises(
        MissingFileError, match=r"storing photos there was stopped.\nType the line that began it"
    ):
        read_photo_table(tmp_path / "small")


def test_storing_as_typed(trip, tmp_path, run):
    output = tmp_path / "small"
    status, out, _ = run(trip, "-o", output, "--max-side", "32", "--shards", "--json")
    stored = json.loads(out)["stored"]
    assert (status, stored["max_side_px"], stored["photos"], stored["containers"]) == (0, 32, 3, 1)
    assert (output / "shards" / "000000.tar").is_file()
    status, out, _ = run(trip, "-o", output, "--max-side", "32", "--shards")
    assert status == 0
    assert "in 1 shard," in out
    status, _, err = run(trip, "-o", output, "--max-side", "16")
    assert status == 2
    assert "--force" in err
    assert run(trip, "-o", output, "--max-side", "16", "--force")[0] == 0


def test_words_about_storing_need_storing(trip, tmp_path, run):
    status, _, err = run(trip, "-o", tmp_path / "out", "--quality", "80")
    assert status == 2
    assert "--max-side 320" in err
