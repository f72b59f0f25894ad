"""Photos inside archives are located like any others, by path and by photo table."""

from __future__ import annotations

import io
import tarfile
import zipfile

from PIL import Image

from graticule.inference import load_model
from graticule.photos.ingest import IngestSettings, ingest


def test_a_table_of_photos_in_a_zip(tmp_path, colour_bundle):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
            file = io.BytesIO()
            Image.new("RGB", (40, 30), colour).save(file, "PNG")
            archive.writestr(f"in/{name}.png", file.getvalue())
    (tmp_path / "photos.csv").write_text("path,latitude,longitude\nred.png,1.5,2.5\nblue.png,3.5,4.5\n")
    ingest(tmp_path, tmp_path / "out", IngestSettings(workers=1))
    model = load_model(str(colour_bundle))
    answers = model.predict(tmp_path / "out")
    assert [answer.candidates[0].cell for answer in answers] == [0, 2]
    assert [answer.error for answer in answers] == [None, None]
    alone = model.predict([tmp_path / "photos.zip::in/blue.png", f"{tmp_path}/photos.zip::none.png"])
    assert alone[0].candidates[0].cell == 2
    assert "the archive holds no such file" in str(alone[1].error)


def _tar(path, photos):
    with tarfile.open(path, "w") as archive:
        for name, colour in photos.items():
            file = io.BytesIO()
            Image.new("RGB", (40, 30), colour).save(file, "PNG")
            entry = tarfile.TarInfo(name)
            entry.size = file.tell()
            archive.addfile(entry, io.BytesIO(file.getvalue()))


def test_an_archive_is_searched_and_so_is_a_folder_of_them(tmp_path, colour_bundle):
    _tar(tmp_path / "0.tar", {"red.png": (255, 0, 0), "note.txt": (0, 0, 0)})
    _tar(tmp_path / "1.tar", {"blue.png": (0, 0, 255)})
    model = load_model(colour_bundle)
    alone = model.predict(tmp_path / "0.tar")
    assert [(answer.photo_id, answer.candidates[0].cell) for answer in alone] == [("red.png", 0)]
    both = model.predict(tmp_path)
    assert [answer.photo_id for answer in both] == ["0.tar::red.png", "1.tar::blue.png"]
    assert [answer.candidates[0].cell for answer in both] == [0, 2]


def test_a_damaged_archive_gives_what_came_before_the_damage(tmp_path, colour_bundle):
    _tar(tmp_path / "0.tar", {"red.png": (255, 0, 0), "blue.png": (0, 0, 255)})
    whole = (tmp_path / "0.tar").read_bytes()
    (tmp_path / "0.tar").write_bytes(whole[:1600])
    answers = load_model(colour_bundle).predict(tmp_path / "0.tar")
    assert answers[0].candidates[0].cell == 0
    assert answers.failed == len(answers) - 1 >= 1
