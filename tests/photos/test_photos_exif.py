"""Positions from metadata: what cameras write, what they write wrongly, and what strangers make of it."""

from __future__ import annotations

import csv
import io
import os
import random
from pathlib import Path

import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from graticule.errors import PhotoError
from graticule.geo.sphere import great_circle_km
from graticule.photos.exif import Position, read_position

ASCII, RATIONAL, SIGNED = 2, 5, 10
PARIS = (48 + 51.4 / 60, 2.35)
FORMS = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"]
PACKET = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:e="http://ns.adobe.com/exif/1.0/" {}>{}</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def packet(latitude="48,51.4N", longitude="2,21,0E", *, as_elements=False):
    if as_elements:
        inner = f"<e:GPSLatitude>{latitude}</e:GPSLatitude><e:GPSLongitude>{longitude}</e:GPSLongitude>"
        return PACKET.format("", inner)
    return PACKET.format(f'e:GPSLatitude="{latitude}" e:GPSLongitude="{longitude}"', "")


def reason_of(photo):
    with pytest.raises(PhotoError) as caught:
        read_position(photo)
    return caught.value.reason


def assert_paris(position: Position, source: str):
    assert position.source == source
    assert (position.latitude, position.longitude) == pytest.approx(PARIS, abs=1e-9)


def test_every_camera_original_is_read_within_50_m(shared):
    folder = shared / "data" / "exif_gps"
    with (folder / "expected.csv").open(encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    assert len(expected) == 44
    for row in expected:
        found = read_position(folder / row["file"])
        truth = [float(row["latitude"]), float(row["longitude"])]
        assert great_circle_km([found.latitude, found.longitude], truth) < 0.05, row["file"]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("drewnoakes__FLIR_Vue_Pro_640.jpg", "zero-position"),
        ("drewnoakes__Nikon_D5000.jpg", "nan-position"),
        ("immich-app__empty_gps.jpg", "nan-position"),
        ("ianare__Canon_40D.jpg", "empty-gps"),
        ("drewnoakes__Motorola_XT1068_(Moto_G).jpg", "empty-gps"),
    ],
)
def test_originals_without_a_position_are_refused_with_the_reason(shared, file, reason):
    assert reason_of(shared / "data" / "exif_no_position" / file) == reason


@pytest.mark.parametrize("form", FORMS)
def test_exif_of_every_format(photo, gps, form):
    assert_paris(read_position(photo(gps((48.0, 51.4, 0.0), (2.0, 21.0, 0.0)), form=form)), "exif")


@pytest.mark.parametrize("form", FORMS)
def test_xmp_of_every_format(photo, form):
    assert_paris(read_position(photo(form=form, xmp=packet())), "xmp")


@pytest.mark.parametrize(
    "written",
    [
        ((48.0, 51.0, 24.0), (2.0, 21.0, 0.0)),
        ((48.0, 51.4, 0.0), (2.0, 21.0, 0.0)),
        ((48 + 51.4 / 60, 0.0, 0.0), (2.35, 0.0, 0.0)),
        ((48.0, 51.4), (2.0, 21.0)),
        ((48 + 51.4 / 60,), (2.35,)),
    ],
)
def test_degrees_minutes_seconds_in_odd_forms(photo, gps, written):
    found = read_position(photo(gps(*written)))
    assert (found.latitude, found.longitude) == pytest.approx(PARIS, abs=1e-6)


@pytest.mark.parametrize(
    ("refs", "signs"),
    [
        (("N", "E"), (1, 1)),
        (("s", "w"), (-1, -1)),
        ((b"S\0", b"E\0"), (-1, 1)),
        (("South", "West"), (-1, -1)),
    ],
)
def test_references_in_any_case_and_type(photo, gps, refs, signs):
    found = read_position(photo(gps((48.0, 51.4, 0.0), (2.0, 21.0, 0.0), refs)))
    assert (found.latitude, found.longitude) == pytest.approx((PARIS[0] * signs[0], PARIS[1] * signs[1]))


NOUGHT = (IFDRational(0, 0),) * 3


@pytest.mark.parametrize(
    ("latitude", "longitude", "refs", "reason"),
    [
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), ("N", "E"), "zero-position"),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0), (None, None), "zero-position"),
        (NOUGHT, NOUGHT, ("N", "E"), "nan-position"),
        ((48.0, 51.4, IFDRational(0, 0)), (2.0, 21.0, 0.0), ("N", "E"), "nan-position"),
        ((48.0, 51.4, 0.0), (2.0, 21.0, 0.0), (None, "E"), "no-hemisphere"),
        ((48.0, 51.4, 0.0), (2.0, 21.0, 0.0), ("N", "\0"), "no-hemisphere"),
        ((48.0, 51.4, 0.0), (2.0, 21.0, 0.0), ("E", "N"), "no-hemisphere"),
        ((91.0, 0.0, 0.0), (2.0, 21.0, 0.0), ("N", "E"), "out-of-range"),
        ((48.0, 0.0, 0.0), (181.0, 0.0, 0.0), ("N", "E"), "out-of-range"),
        ((48.0, 75.0, 0.0), (2.0, 0.0, 0.0), ("N", "E"), "broken-exif"),
        ((48.0, 0.0, 0.0), None, ("N", "E"), "half-position"),
        (None, (2.0, 0.0, 0.0), ("N", "E"), "half-position"),
        (None, None, ("N", "E"), "empty-gps"),
    ],
)
def test_nonsense_in_exif_is_refused_with_its_reason(photo, gps, latitude, longitude, refs, reason):
    assert reason_of(photo(gps(latitude, longitude, refs))) == reason


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (
            [(1, ASCII, b"N\0"), (2, ASCII, b"48.85\0"), (3, ASCII, b"E\0"), (4, ASCII, b"2.35\0")],
            "broken-exif",
        ),
        (
            [(1, ASCII, b"N\0"), (2, SIGNED, [(-48, 1)]), (3, ASCII, b"E\0"), (4, SIGNED, [(2, 1)])],
            "broken-exif",
        ),
        ([(2, RATIONAL, [(1, 1)] * 4), (4, RATIONAL, [(1, 1)] * 4)], "broken-exif"),
        ([], "broken-exif"),
    ],
)
def test_values_of_other_types_are_refused(photo, exif_of, entries, reason):
    assert reason_of(photo(exif=exif_of(entries))) == reason


def test_a_negative_angle_south_is_south(photo, exif_of):
    south = [
        (1, ASCII, b"S\0"),
        (2, SIGNED, [(-33, 1), (30, 1)]),
        (3, ASCII, b"E\0"),
        (4, RATIONAL, [(151, 1)]),
    ]
    assert read_position(photo(exif=exif_of(south))) == Position(-33.5, 151.0, "exif")


def test_a_gps_pointer_to_nowhere_is_broken(photo, exif_of):
    block = bytearray(exif_of([(1, ASCII, b"N\0")]))
    block[24:28] = (99_999).to_bytes(4, "little")  # past the end of the file
    assert reason_of(photo(exif=bytes(block))) == "broken-exif"


def test_a_photo_without_metadata_says_where_was_looked(photo):
    with pytest.raises(PhotoError, match=r"no EXIF GPS, no XMP, no \.xmp file beside it"):
        read_position(photo())


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [("48,51.4N", "2,21.0E"), ("48,51,24N", "2,21,0E"), ("48,51.4n", "2,21 e"), (repr(PARIS[0]), "2.35")],
)
@pytest.mark.parametrize("as_elements", [False, True])
def test_xmp_in_every_way_of_writing(photo, latitude, longitude, as_elements):
    assert_paris(read_position(photo(xmp=packet(latitude, longitude, as_elements=as_elements))), "xmp")


@pytest.mark.parametrize(
    ("latitude", "longitude", "reason"),
    [
        ("48,51.4E", "2,21E", "broken-xmp"),
        ("here", "there", "broken-xmp"),
        ("0,0N", "0,0E", "zero-position"),
        ("nan", "nan", "nan-position"),
        ("95,0N", "2,0E", "out-of-range"),
        ("48,99N", "2,0E", "broken-xmp"),
    ],
)
def test_nonsense_in_xmp_is_refused(photo, latitude, longitude, reason):
    assert reason_of(photo(xmp=packet(latitude, longitude))) == reason


def test_half_a_position_in_xmp_is_refused(photo):
    assert reason_of(photo(xmp=PACKET.format('e:GPSLatitude="48,51.4N"', ""))) == "half-position"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_xmp_are_refused_unexpanded(photo, tmp_path, encoding):
    laughs = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + packet("&b;", "2,21E")
    (tmp_path / "a.jpg").write_bytes(photo())
    (tmp_path / "a.xmp").write_bytes(laughs.encode(encoding))
    with pytest.raises(PhotoError, match="document type") as caught:
        read_position(tmp_path / "a.jpg")
    assert caught.value.reason == "broken-xmp"


def test_xmp_that_is_not_well_formed_is_refused(photo):
    assert reason_of(photo(xmp="<e:GPSLatitude")) == "broken-xmp"


@pytest.mark.parametrize("name", ["a.jpg.xmp", "a.xmp", "a.XMP", "a.jpg.XMP"])
def test_a_sidecar_goes_before_what_the_camera_wrote(photo, gps, tmp_path, name):
    (tmp_path / "a.jpg").write_bytes(photo(gps((1.0, 0.0, 0.0), (2.0, 0.0, 0.0))))
    (tmp_path / name).write_text(packet(), encoding="utf-8")
    assert_paris(read_position(tmp_path / "a.jpg"), "sidecar")


def test_a_sidecar_without_a_place_or_broken_leaves_it_to_exif(photo, gps, tmp_path):
    (tmp_path / "a.jpg").write_bytes(photo(gps((48.0, 51.4, 0.0), (2.0, 21.0, 0.0))))
    for text in (PACKET.format("", ""), packet("0,0N", "0,0E"), "<e:GPSLatitude"):
        (tmp_path / "a.xmp").write_text(text, encoding="utf-8")
        assert_paris(read_position(tmp_path / "a.jpg"), "exif")


def test_exif_goes_before_xmp_and_broken_exif_is_not_mended_by_its_copy(photo, gps):
    both = photo(gps((48.0, 51.4, 0.0), (2.0, 21.0, 0.0)), xmp=packet("1,0N", "1,0E"))
    assert_paris(read_position(both), "exif")
    assert reason_of(photo(gps((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), xmp=packet())) == "zero-position"


def test_an_empty_gps_block_leaves_it_to_xmp(photo):
    assert_paris(read_position(photo({0: b"\2\2\0\0"}, xmp=packet())), "xmp")


def test_what_is_no_photo_has_the_reasons_of_decoding(tmp_path):
    assert reason_of(tmp_path / "none.jpg") == "missing"
    assert reason_of(b"not an image") == "not-an-image"


def test_damage_of_any_kind_is_a_photo_error(photo, gps):
    """400 damaged files: whatever they hold, only positions and PhotoErrors come out."""
    chance = random.Random(20_240_501)
    whole = [photo(gps((48.0, 51.4, 0.0), (2.0, 21.0, 0.0)), form=form, xmp=packet()) for form in FORMS]
    reasons = set()
    for number in range(400):
        data = bytearray(whole[number % len(whole)])
        if number % 3 == 0:
            data = data[: chance.randrange(len(data))]
        for _ in range(0 if number % 3 == 0 else chance.randrange(1, 40)):
            data[chance.randrange(min(len(data), 900))] = chance.randrange(256)
        try:
            found = read_position(bytes(data))
        except PhotoError as error:
            reasons.add(error.reason)
        else:
            assert abs(found.latitude) <= 90
            assert abs(found.longitude) <= 180
    assert len(reasons) >= 5, reasons


@pytest.mark.skipif(os.name == "nt", reason="names of files hold no such characters there")
def test_a_name_that_no_file_can_have_is_unreadable():
    assert reason_of(Path("a\0b.jpg")) == "unreadable"


IM2GPS = "interestingness: 102 out of 500\nlatitude: {}\nlongitude: {}\naccuracy: 16\n"


def with_comment(text: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "JPEG", comment=text.encode())
    return file.getvalue()


def test_the_comment_of_a_jpeg_as_im2gps_writes_it():
    assert read_position(with_comment(IM2GPS.format("-33.87", "151.21"))) == Position(
        -33.87, 151.21, "comment"
    )
    assert read_position(with_comment(IM2GPS.format("1.5", "-0.25"))) == Position(1.5, -0.25, "comment")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (IM2GPS.format("0.0", "0.0"), "zero-position"),
        (IM2GPS.format("91", "5"), "out-of-range"),
        (IM2GPS.format("nan", "5"), "nan-position"),
        (IM2GPS.format("north", "5"), "broken-comment"),
        ("latitude: 48.1", "no-position"),
        ("the latitude: 48.1 and the longitude: 11.5", "no-position"),
    ],
)
def test_comments_that_hold_no_position(text, reason):
    with pytest.raises(PhotoError) as caught:
        read_position(with_comment(text))
    assert caught.value.reason == reason
