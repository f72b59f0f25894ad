"""What files tell, and copies that tell nothing: files made here, and real ones of many cameras."""

from __future__ import annotations

import io
import itertools
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base

from graticule.errors import PhotoError, UsageError
from graticule.photos.decode import decode
from graticule.photos.metadata import encoded, format_for, format_of, read_metadata, stripped, upright_pixels
from graticule.photos.metadata.segments import bare_jpeg, segments
from graticule.photos.metadata.trace import KINDS, Trace, in_order

XMP = b"""<?xpacket begin='' id='x'?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:photoshop="p" xmlns:aux="a" xmlns:dc="d" xmlns:Iptc4xmpExt="i"
photoshop:City="Lund" aux:SerialNumber="XMP-77"><dc:subject><rdf:Bag><rdf:li>boat &amp; sea</rdf:li>
<rdf:li>summer</rdf:li></rdf:Bag></dc:subject><Iptc4xmpExt:PersonInImage><rdf:Bag>
<rdf:li>Ada Example</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage></rdf:Description></rdf:RDF></x:xmpmeta>"""


def scene(width: int = 48, height: int = 32) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height))


def told_exif(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.Model], exif[Base.Orientation] = "Example", "Example One", orientation
    exif[Base.Artist], exif[Base.Software] = "Ada Example", "Editor 3"
    own = exif.get_ifd(IFD.Exif)
    own[Base.DateTimeOriginal], own[Base.OffsetTimeOriginal] = "2024:05:06 07:08:09", "+02:00"
    own[Base.BodySerialNumber], own[Base.MakerNote] = "BODY-1", b"secret" * 4
    own[Base.UserComment] = b"UNICODE\0" + "söt".encode("utf-16-le")
    own[Base.LensModel] = "35 mm"
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "N", (48.0, 51.0, 24.0)
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "E", (2.0, 21.0, 0.0)
    gps[GPS.GPSImgDirection], gps[GPS.GPSDateStamp] = 90.0, "2024:05:06"
    gps[GPS.GPSTimeStamp] = (5.0, 8.0, 9.0)
    return exif


def bytes_of(image: Image.Image, form: str = "JPEG", **words: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **words)
    return file.getvalue()


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def telling_jpeg(orientation: int = 1) -> bytes:
    """A JPEG in which every reader finds something."""
    data = bytes_of(scene(), exif=told_exif(orientation), xmp=XMP, comment=b"in the harbour")
    small = bytes_of(scene(8, 6))
    data = with_segment(data, 0xE0, b"JFXX\0\x10" + small)
    record = b"".join(
        struct.pack(">BBBH", 0x1C, 2, number, len(text)) + text
        for number, text in ((80, b"Bo Example"), (90, b"Malm\xc3\xb6"))
    )
    block = b"8BIM" + struct.pack(">HHI", 0x0404, 0, len(record)) + record + b"\0" * (len(record) % 2)
    data = with_segment(data, 0xED, b"Photoshop 3.0\0" + block)
    data = with_segment(data, 0xEB, b"JP\0\0c2pa box")
    return data + b"MotionPhoto_Data"


def kinds_of(data: bytes) -> set[str]:
    return {trace.kind for trace in read_metadata(data).traces}


def words_of(data: bytes) -> list[str]:
    return [trace.words for trace in read_metadata(data).traces]


def test_a_plain_photo_tells_nothing():
    for form in ("JPEG", "PNG", "WEBP", "TIFF"):
        found = read_metadata(bytes_of(scene(), form))
        assert found.traces == ()
        assert (found.format, found.width_px, found.height_px, found.position) == (form, 48, 32, None)


def test_every_kind_of_trace_is_told():
    found = read_metadata(telling_jpeg())
    assert {trace.kind for trace in found.traces} == set(KINDS) - {"profile"}
    words = [trace.words for trace in found.traces]
    assert words[0].startswith("48.85667, 2.35000 (Paris, FR)")
    for said in (
        "90 degrees from north, clockwise",
        "2024:05:06 07:08:09 +02:00",
        "2024:05:06 05:08:09 UTC, by satellite",
        "Example One",
        "lens 35 mm",
        "author: Ada Example",
        "author: Bo Example",
        "city: Lund",
        "city: Malmö",
        "serial number of the camera: BODY-1",
        "serial number: XMP-77",
        "comment: söt",
        "comment: in the harbour",
        "keywords: boat & sea",
        "keywords: summer",
        "processed by: Editor 3",
        "notes of the camera's maker, 24 bytes",
        "1 mark of faces or names of people in the picture",
    ):
        assert said in words, said
    assert any("C2PA" in word for word in words)
    assert any("behind the end" in word for word in words)
    document = found.to_dict()
    assert document["position"]["latitude"] == pytest.approx(48.85667, abs=1e-5)
    assert document["position"]["place"] == "Paris, FR"
    assert [row["kind"] for row in document["traces"]] == [trace.kind for trace in found.traces]


def test_names_of_people_in_the_picture_are_not_repeated():
    said = [trace.to_dict() for trace in read_metadata(bytes_of(scene(), xmp=XMP)).traces]
    assert "faces" in {row["kind"] for row in said}
    assert "Ada" not in str(said)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_other_formats_tell_too(form):
    data = bytes_of(scene(), form, exif=told_exif().tobytes())
    assert {"position", "time", "device", "serial", "person"} <= kinds_of(data)


def test_heic_tells_and_is_stripped():
    pillow_heif = pytest.importorskip("pillow_heif")

    file = io.BytesIO()
    pillow_heif.from_pillow(scene(64, 64)).save(file, exif=told_exif().tobytes())
    data = file.getvalue()
    assert {"position", "device", "time"} <= kinds_of(data)
    assert format_of(data) == "JPEG"
    clean, is_lossless = stripped(data)
    assert not is_lossless
    assert read_metadata(clean).traces == ()
    again = encoded(upright_pixels(data), "HEIF")
    assert (read_metadata(again).format, read_metadata(again).traces) == ("HEIF", ())


def test_texts_of_png_are_told():
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "Ada Example")
    info.add_text("Title", "the house")
    words = words_of(bytes_of(scene(), "PNG", pnginfo=info))
    assert words == ["Author: Ada Example", "Title: the house"]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_stripped_jpeg_keeps_every_pixel_and_which_way_is_up(orientation):
    data = telling_jpeg(orientation)
    clean, is_lossless = stripped(data)
    assert is_lossless
    assert read_metadata(clean).traces == ()
    assert np.array_equal(np.asarray(decode(clean)), np.asarray(decode(data)))
    for secret in (b"Example", b"BODY", b"Lund", b"harbour", b"secret", b"MotionPhoto", b"JFXX"):
        assert secret not in clean


def test_progressive_cmyk_and_grey_jpegs_keep_their_pixels():
    for image, words in (
        (scene(200, 150), {"progressive": True}),
        (scene().convert("CMYK"), {}),
        (scene().convert("L"), {"comment": b"hm"}),
    ):
        data = bytes_of(image, exif=told_exif(), **words)
        clean, is_lossless = stripped(data)
        assert is_lossless
        assert np.array_equal(np.asarray(decode(clean)), np.asarray(decode(data)))
        assert read_metadata(clean).traces == ()


def test_a_wide_colour_profile_is_converted_to_srgb():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = bytes_of(scene(), icc_profile=srgb)
    assert kinds_of(data) == {"profile"}
    assert stripped(data)[1]  # what is taken for granted need not be said
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    clean, is_lossless = stripped(bytes_of(scene(), icc_profile=lab))
    assert not is_lossless
    assert read_metadata(clean).traces == ()


def test_segments_cover_the_whole_file():
    data = bytes_of(scene(), progressive=True, comment=b"hm")
    found = list(segments(data))
    assert found[0].start == 2
    assert all(one.stop == two.start for one, two in itertools.pairwise(found))
    assert (found[-1].marker, found[-1].stop) == (0xD9, len(data))


def test_a_jpeg_cut_anywhere_never_loops_or_trips():
    data = telling_jpeg()
    for length in range(4, len(data), 37):
        list(segments(data[:length]))
        bare_jpeg(data[:length])
        try:
            read_metadata(data[:length])
        except PhotoError:
            continue


def test_damaged_blocks_are_told_of():
    data = with_segment(bytes_of(scene()), 0xE1, b"Exif\0\0MM\0*\0\0\0\x08\0\xff")
    assert stripped(data)[1]
    assert read_metadata(stripped(data)[0]).traces == ()


def test_a_broken_position_is_told_of():
    exif = Image.Exif()
    gps = exif.get_ifd(IFD.GPSInfo)
    gps[GPS.GPSLatitudeRef], gps[GPS.GPSLatitude] = "N", (0.0, 0.0, 0.0)
    gps[GPS.GPSLongitudeRef], gps[GPS.GPSLongitude] = "E", (0.0, 0.0, 0.0)
    assert words_of(bytes_of(scene(), exif=exif)) == ["a position that is broken or empty (zero-position)"]


def test_formats_by_ending():
    assert (format_for(".JPG"), format_for(".heic"), format_for(".tif")) == ("JPEG", "HEIF", "TIFF")
    with pytest.raises(UsageError, match=r"cannot be written as '.gif'"):
        format_for(".gif")
    with pytest.raises(UsageError, match="a file without an ending"):
        format_for("")
    assert [format_of(bytes_of(scene(), form)) for form in ("PNG", "GIF", "BMP")] == ["PNG", "JPEG", "JPEG"]


def test_what_is_no_photo_is_refused():
    with pytest.raises(PhotoError, match="no-photo"):
        read_metadata(b"nonsense", name="Photo 'no-photo'")
    with pytest.raises(PhotoError):
        stripped(b"nonsense")


def test_the_same_words_are_told_once():
    traces = [Trace("text", "a", "XMP"), Trace("time", "b", "EXIF"), Trace("text", "a", "IPTC")]
    assert [(trace.kind, trace.where) for trace in in_order(traces)] == [("time", "EXIF"), ("text", "XMP")]


def test_photos_of_real_cameras_are_stripped_without_loss(shared):
    paths = sorted((shared / "data" / "exif_gps").glob("*.jpg"))
    for path in [path for path in paths if path.stat().st_size < 300_000]:
        data = path.read_bytes()
        found = read_metadata(data, name=path.name, path=path)
        assert found.position is not None, path.name
        assert found.traces[0].kind == "position", path.name
        clean, is_lossless = stripped(data)
        assert is_lossless, path.name
        assert read_metadata(clean).traces == (), path.name
        assert np.array_equal(np.asarray(decode(clean)), np.asarray(decode(data))), path.name
