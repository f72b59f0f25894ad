"""What XMP, IPTC and comments in a photo tell, but for its position."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, Final

from PIL import Image, IptcImagePlugin

from graticule.photos.decode import without_warnings
from graticule.photos.metadata.trace import Trace, shown, size_in_words

_XMP_FIELDS: Final = (
    ("person", "author", ("dc:creator", "tiff:Artist", "exifEX:CameraOwnerName", "aux:OwnerName")),
    ("person", "rights", ("dc:rights", "xmpRights:Owner", "xmpRights:WebStatement")),
    ("person", "in the picture", ("Iptc4xmpExt:PersonInImage",)),
    ("serial", "serial number", ("aux:SerialNumber", "exifEX:BodySerialNumber", "aux:LensSerialNumber")),
    ("serial", "number of this document", ("xmpMM:DocumentID", "xmpMM:OriginalDocumentID")),
    ("software", "processed by", ("xmp:CreatorTool",)),
    ("place", "city", ("photoshop:City", "Iptc4xmpExt:City")),
    ("place", "country", ("photoshop:Country", "Iptc4xmpExt:CountryName")),
    ("place", "state", ("photoshop:State",)),
    ("place", "location", ("Iptc4xmpCore:Location", "Iptc4xmpExt:Sublocation")),
    ("time", "taken", ("exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate")),
    ("device", "camera", ("tiff:Model",)),
    ("text", "description", ("dc:description", "dc:title", "photoshop:Headline")),
    ("text", "keywords", ("dc:subject", "lr:hierarchicalSubject")),
)  # fmt: skip

_IPTC_FIELDS: Final = (
    ("person", "author", (2, 80)),
    ("person", "credit", (2, 110)),
    ("person", "copyright", (2, 116)),
    ("place", "city", (2, 90)),
    ("place", "location", (2, 92)),
    ("place", "state", (2, 95)),
    ("place", "country", (2, 101)),
    ("time", "taken", (2, 55)),
    ("text", "title", (2, 5)),
    ("text", "keywords", (2, 25)),
    ("text", "description", (2, 120)),
)

_FACES: Final = re.compile(r"mwg-rs:Type(?:=\"|>)\s*Face|MPReg:PersonDisplayName|MPReg:Rectangle")


def xmp_traces(image: Image.Image) -> list[Trace]:
    """What an XMP packet tells. Names of people that a program found in the picture are not repeated."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if not packet:
        return []
    raw = packet if isinstance(packet, bytes) else packet.encode()
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", errors="replace")
    found = [Trace("block", f"an XMP packet of {size_in_words(len(raw))}", "XMP", {"bytes": len(raw)})]
    for kind, what, names in _XMP_FIELDS:
        for said in dict.fromkeys(value for name in names for value in _values(text, name)):
            if names == ("Iptc4xmpExt:PersonInImage",):
                continue
            found.append(Trace(kind, f"{what}: {said}", "XMP", {"field": what, "value": said}))
    people = len(list(_values(text, "Iptc4xmpExt:PersonInImage")))
    marked = max(len(_FACES.findall(text)), people)
    if marked:
        words = f"{marked} mark{'s' * (marked != 1)} of faces or names of people in the picture"
        found.append(Trace("faces", words, "XMP", {"marks": marked}))
    return found


def _values(text: str, name: str) -> Iterator[str]:
    """The values of a property, an attribute or an element, each entry of a list alone."""
    written = re.escape(name)
    for match in re.finditer(rf'\b{written}="([^"]*)"|<{written}[^>/]*>(.*?)</{written}>', text, re.S):
        inner = match[1] if match[1] is not None else match[2]
        entries = re.findall(r"<rdf:li[^>]*>([^<]*)</rdf:li>", inner) or [re.sub(r"<[^>]*>", " ", inner)]
        yield from (said for said in (shown(html.unescape(entry)) for entry in entries) if said)


def iptc_traces(image: Image.Image) -> list[Trace]:
    """What IPTC's records tell."""
    try:
        records = without_warnings(lambda: IptcImagePlugin.getiptcinfo(image)) or {}  # type: ignore[arg-type]
    except Exception:  # whatever Pillow trips over in a damaged block
        return [Trace("block", "an IPTC block that cannot be read", "IPTC")]
    if not records:
        return []
    words = f"an IPTC block of {len(records)} field{'s' * (len(records) != 1)}"
    found = [Trace("block", words, "IPTC", {"fields": len(records)})]
    for kind, what, key in _IPTC_FIELDS:
        value: Any = records.get(key)
        for each in value if isinstance(value, list) else [value] if value else []:
            if said := shown(each.decode("utf-8", errors="replace")):
                found.append(Trace(kind, f"{what}: {said}", "IPTC", {"field": what, "value": said}))
    return found


def comment_traces(image: Image.Image) -> list[Trace]:
    """Comments of JPEG and GIF, and the texts of PNG."""
    found = []
    comment = image.info.get("comment")
    if isinstance(comment, bytes | str) and comment:
        said = shown(comment if isinstance(comment, str) else comment.decode("utf-8", errors="replace"))
        if said:
            found.append(Trace("text", f"comment: {said}", "comment", {"field": "comment", "value": said}))
    for key, value in getattr(image, "text", {}).items():
        if key != "XML:com.adobe.xmp" and (said := shown(str(value))):
            kind = (
                "software" if key.lower() == "software" else "person" if key.lower() == "author" else "text"
            )
            words = f"{shown(str(key), 40)}: {said}"
            found.append(Trace(kind, words, "PNG text", {"field": str(key), "value": said}))
    return found
