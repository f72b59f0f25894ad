"""What else lies in a photo's file: profiles, further pictures, blocks, bytes behind the end."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

from PIL import Image, ImageCms

from graticule.photos.metadata.segments import APPLICATION, END, JFIF_BYTES, TECHNICAL, is_jpeg, segments
from graticule.photos.metadata.trace import Trace, shown, size_in_words

_READ_ELSEWHERE: Final = (b"Exif\0", b"http://ns.adobe.com/", b"ICC_PROFILE\0", b"Photoshop 3.0", b"MPF\0")


def profile_traces(image: Image.Image) -> list[Trace]:
    """The colour profile, by the name that it gives itself."""
    profile = image.info.get("icc_profile")
    if not profile:
        return []
    try:
        name = shown(ImageCms.getProfileDescription(ImageCms.getOpenProfile(io.BytesIO(profile))))
    except Exception:  # damaged, or of a kind that the library does not know
        name = "unreadable"
    words = f"colour profile '{name}', {size_in_words(len(profile))}"
    return [Trace("profile", words, "ICC", {"name": name, "bytes": len(profile)})]


def picture_traces(image: Image.Image) -> list[Trace]:
    """Thumbnails, depth maps and further pictures that HEIC files hold, and frames of others."""
    found = []
    for key, what in (("thumbnails", "thumbnail"), ("depth_images", "depth map"), ("aux", "further picture")):
        count = len(image.info.get(key) or ())
        if count and image.format in ("HEIF", "AVIF"):
            kind = "thumbnail" if key == "thumbnails" else "picture"
            words = f"{count} {what}{'s' * (count != 1)}"
            found.append(Trace(kind, words, "HEIC", {"count": count}))
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        words = f"{frames - 1} further picture{'s' * (frames != 2)} in the file"
        found.append(Trace("picture", words, str(image.format), {"count": frames - 1}))
    return found


def jpeg_traces(data: bytes) -> list[Trace]:
    """Blocks of a JPEG that no other reader tells of, and what follows the end of the picture."""
    return list(_told(data)) if is_jpeg(data) else []


def _told(data: bytes) -> Iterator[Trace]:
    for segment in segments(data):
        content = segment.content
        if segment.marker == END:
            behind = len(data) - segment.stop
            if data[segment.stop :].strip(b"\0\xff"):
                words = f"{size_in_words(behind)} behind the end of the picture (a film, further pictures)"
                yield Trace("picture", words, "JPEG", {"bytes": behind})
        elif content.startswith(b"JFXX\0") or (content.startswith(b"JFIF\0") and len(content) > JFIF_BYTES):
            words = f"a small picture of {size_in_words(len(content))}"
            yield Trace("thumbnail", words, "JFIF", {"bytes": len(content)})
        elif segment.is_application and not content.startswith((*_READ_ELSEWHERE, *TECHNICAL)):
            block = f"APP{segment.marker - APPLICATION}"
            name = "content credentials (C2PA)" if b"c2pa" in content[:200] else f"block {block}"
            words = f"{name}, {size_in_words(len(content))}"
            yield Trace("block", words, "JPEG", {"block": block, "bytes": len(content)})
