"""What a photo gives away, with a network whose answer hangs on one bright spot."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from explanations_spots import spot_bundle
from PIL import Image
from PIL.ExifTags import GPS, IFD

from graticule.cli.main import main
from graticule.errors import PhotoError, UsageError
from graticule.explanations.privacy import PrivacySettings, check_privacy
from graticule.explanations.privacy.copies import Copies
from graticule.explanations.privacy.words import in_sentences
from graticule.inference import Model, load_model
from graticule.inference.sources import Source, find_sources
from graticule.photos.metadata import read_metadata
from graticule.predictions.prediction import in_words

SIZE_PX = 32


@pytest.fixture(scope="module")
def spot_path(tmp_path_factory, three_cells) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "spots"
    return spot_bundle(folder, three_cells, size_px=SIZE_PX, sharpness=6.0)


@pytest.fixture(scope="module")
def spots(spot_path) -> Model:
    return load_model(spot_path)


def picture(width: int = 96, height: int = 64) -> Image.Image:
    """Dark grey, with a red spot at (30, 10): the only clue."""
    pixels = np.full((height, width, 3), 40, dtype=np.uint8)
    pixels[8:12, 28:32] = (255, 40, 40)
    return Image.fromarray(pixels)


def told_bytes(form: str = "JPEG", **words: object) -> bytes:
    exif = Image.Exif()
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "N", (48.0, 51.0, 24.0)
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "E", (2.0, 21.0, 0.0)
    file = io.BytesIO()
    picture().save(file, form, exif=exif.tobytes(), **words)
    return file.getvalue()


def test_the_spot_is_found_blurred_and_its_effect_measured(spots):
    found = check_privacy(spots, told_bytes(quality=95))
    assert found.before is not None
    assert found.after is not None
    assert found.metadata.traces[0].kind == "position"
    assert len(found.regions) == 1
    left, top, right, bottom = found.regions[0].box
    assert left <= 28 < 32 <= right
    assert top <= 8 < 12 <= bottom
    assert (right - left) * (bottom - top) < 0.2 * 64 * 64
    assert found.regions[0].area == pytest.approx((right - left) * (bottom - top) / (96 * 64))
    assert found.after.confidence < 0.75 * found.before.confidence
    assert found.before.error_km is not None
    # what is said of the copy is what the model says of the very bytes that are given
    again = spots.predict(found.clean)
    cell = spots.predict(told_bytes(quality=95))[0].candidates[0].cell
    assert found.after.confidence == pytest.approx(float(again.probabilities[0, cell]))
    assert found.after.region_km2 == again[0].region_km2
    assert read_metadata(found.clean).traces == ()
    pixels = np.asarray(Image.open(io.BytesIO(found.clean)))
    assert pixels[..., 0].max() < 200
    assert (found.form, found.is_lossless) == ("JPEG", False)


def test_the_rest_of_the_photo_stays_as_it_is(spots):
    found = check_privacy(spots, told_bytes("PNG"))
    before, after = np.asarray(picture()), np.asarray(Image.open(io.BytesIO(found.clean)))
    left, top, right, bottom = found.regions[0].box
    inside = np.zeros(before.shape[:2], dtype=bool)
    inside[top:bottom, left:right] = True
    assert np.array_equal(before[~inside], after[~inside])
    assert found.form == "PNG"


def test_of_a_turned_photo_the_upright_part_is_meant(spots):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    picture().transpose(Image.Transpose.ROTATE_90).save(file, "JPEG", exif=exif, quality=95)
    found = check_privacy(spots, file.getvalue())
    assert (found.metadata.width_px, found.metadata.height_px) == (96, 64)
    left, top, right, bottom = found.regions[0].box
    assert left <= 28 < 32 <= right
    assert top <= 8 < 12 <= bottom


def test_nothing_is_blurred_where_nothing_tells(spots):
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (40, 40, 40)).save(file, "JPEG", comment=b"at home")
    found = check_privacy(spots, file.getvalue())
    assert found.regions == ()
    assert found.is_lossless
    assert "No part of them" in "\n".join(in_sentences(found))


def test_no_more_is_blurred_than_asked_for(spots):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    for most in (0.0, 0.1, 0.5):
        found = check_privacy(spots, file.getvalue(), settings=PrivacySettings(most_area=most))
        assert found.blurred_area <= most + 1e-9


def test_without_a_model_only_metadata_is_looked_at():
    found = check_privacy(None, told_bytes(), settings=PrivacySettings(most_area=0))
    assert (found.before, found.after, found.regions, found.is_lossless) == (None, None, (), True)
    assert found.to_dict()["copy"]["is_lossless"] is True
    assert "every pixel as it was" in "\n".join(in_sentences(found))
    with pytest.raises(UsageError, match="a model is needed"):
        check_privacy(None, told_bytes())


def test_shares_outside_are_refused():
    with pytest.raises(UsageError, match=r"share in \[0, 1\]; got 2"):
        PrivacySettings(most_area=2)


def test_what_cannot_be_read_is_said(tmp_path, spots):
    with pytest.raises(PhotoError, match="does not exist"):
        check_privacy(spots, tmp_path / "none.jpg")
    with pytest.raises(PhotoError, match="'x'"):
        check_privacy(spots, b"nonsense", name="Photo 'x'")


def test_a_sidecar_counts(tmp_path):
    photo = tmp_path / "a.jpg"
    picture().save(photo)
    Path(f"{photo}.xmp").write_text(
        '<x xmlns:e="http://ns.adobe.com/exif/1.0/" e:GPSLatitude="48,51.4N" e:GPSLongitude="2,21.0E"/>'
    )
    found = check_privacy(None, photo, settings=PrivacySettings(most_area=0))
    assert found.metadata.position is not None
    assert found.metadata.position.source == "sidecar"


def run(capsys, *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(word) for word in words])
    said = capsys.readouterr()
    return int(caught.value.code or 0), said.out, said.err


def test_one_photo_into_a_file(tmp_path, spot_path, capsys):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(told_bytes(quality=95))
    before = photo.read_bytes()
    status, out, err = run(
        capsys, "privacy", photo, "--model", spot_path, "-o", tmp_path / "new" / "clean.png"
    )
    assert status == 0
    assert photo.read_bytes() == before
    assert read_metadata((tmp_path / "new" / "clean.png").read_bytes()).format == "PNG"
    assert "48.85667, 2.35000" in out
    assert "These parts of it say most" in out
    assert "confidence in" in out
    assert "region that holds the place 90 % of the time" in out
    assert "people and other models may still recognise the place" in out
    assert "Wrote" in err


def test_json_holds_everything(tmp_path, spot_path, capsys):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(told_bytes(quality=95))
    status, out, _ = run(capsys, "privacy", photo, "--model", spot_path, "--json")
    row = json.loads(out)["photos"][0]
    assert status == 0
    assert (row["error"], row["written"]) == (None, None)
    assert row["metadata"]["position"]["latitude"] == pytest.approx(48.8567, abs=1e-4)
    assert row["after"]["confidence"] < row["before"]["confidence"]
    assert row["regions"][0]["box"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]  # without -o nothing is written


def test_several_photos_into_a_folder(colour_photos, tmp_path, spot_path, capsys):
    target = tmp_path / "clean"
    status, out, err = run(capsys, "privacy", colour_photos, "--model", spot_path, "-o", target)
    assert status == 3
    assert sorted(path.relative_to(target).as_posix() for path in target.rglob("*.*")) == [
        "a-red.jpg",
        "b-green.png",
        "trip/c-blue.webp",
    ]
    assert "z-broken.jpg" in err
    assert "a-red.jpg" in out


def test_heic_becomes_jpeg_and_no_copy_covers_another(tmp_path, capsys):
    pillow_heif = pytest.importorskip("pillow_heif")
    folder = tmp_path / "photos"
    folder.mkdir()
    pillow_heif.from_pillow(picture(64, 64)).save(folder / "a.heic")
    (folder / "a.jpg").write_bytes(told_bytes())
    target = tmp_path / "clean"
    status, _, _ = run(capsys, "privacy", folder, "--blur", "0", "-o", target)
    assert status == 0
    assert sorted(path.name for path in target.iterdir()) == ["a-2.jpg", "a.jpg"]


@pytest.mark.parametrize("how", ["same", "link", "folder"])
def test_the_photo_itself_is_never_written_over(how, tmp_path, capsys):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(told_bytes())
    before = photo.read_bytes()
    target = {"same": photo, "link": tmp_path / "b.jpg", "folder": tmp_path}[how]
    if how == "link":
        target.symlink_to(photo)
    status, _, err = run(capsys, "privacy", photo, "--blur", "0", "-o", target)
    assert status == 2
    assert "the photo itself, which is never written over" in err
    assert photo.read_bytes() == before


def test_wrong_words_are_told_before_any_work(tmp_path, capsys):
    (tmp_path / "a.jpg").write_bytes(told_bytes())
    (tmp_path / "b.jpg").write_bytes(told_bytes())
    status, _, err = run(capsys, "privacy", tmp_path, "-o", tmp_path / "one.jpg")
    assert (status, "there are 2 photos" in err) == (2, True)
    status, _, err = run(capsys, "privacy", tmp_path / "a.jpg", "-o", tmp_path / "one.gif")
    assert (status, "cannot be written as '.gif'" in err) == (2, True)
    status, _, err = run(capsys, "privacy", tmp_path / "none.jpg", "--blur", "0")
    assert (status, "does not exist" in err) == (1, True)


def test_names_that_lead_elsewhere_stay_inside(tmp_path):
    copies = Copies.planned([], tmp_path / "clean")
    for photo_id in ("../../x.jpg", "/etc/x.jpg", "zip.zip::../x.jpg", ".."):
        path = copies.write(Source(photo_id, None, b""), b"1", "JPEG")
        assert path is not None
        assert (tmp_path / "clean").resolve() in path.resolve().parents


def test_a_member_of_an_archive_is_checked(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("trip/a.jpg", told_bytes())
    source = next(iter(find_sources(tmp_path / "photos.zip")))
    found = check_privacy(None, source.photo, settings=PrivacySettings(most_area=0))
    assert found.metadata.position is not None


def test_words_of_a_low_confidence_say_so(spots):
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (40, 40, 40)).save(file, "PNG")
    found = check_privacy(spots, file.getvalue())
    assert found.before is not None
    assert in_words(found.before.confidence or 0) in "\n".join(in_sentences(found))
