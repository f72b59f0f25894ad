"""Members of ZIP files, stored or deflated, read without opening the archive's table of contents again."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from graticule.errors import PhotoError
from graticule.photos.archives.index import ARCHIVE_ADVICE, Member

# PKWARE APPNOTE 4.3.7: signature, version, flags, method, time, date, CRC, sizes, lengths of name and extra
_LOCAL_HEADER: Final = struct.Struct("<4s5HL2L2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED: Final = 1


def zip_members(path: Path) -> Iterator[Member]:
    """The files in a ZIP, in order; ``start`` is that of their header, ``size`` as packed.

    Raises:
        PhotoError: ``reason`` is ``damaged``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    yield Member(entry.filename, entry.header_offset, entry.compress_size)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, struct.error, EOFError) as error:
        raise PhotoError(
            f"'{path}' cannot be read as ZIP: {error}.", reason="damaged", advice=ARCHIVE_ADVICE
        ) from error


def zip_content(file: BinaryIO, member: Member, max_bytes: int) -> bytes:
    """The bytes of a member.

    Raises:
        PhotoError: ``reason`` is ``damaged``, ``unreadable`` or ``too-large``; its message is a clause.
    """
    file.seek(member.start)
    head = file.read(_LOCAL_HEADER.size)
    if len(head) < _LOCAL_HEADER.size or head[:4] != b"PK\3\4":
        raise PhotoError("its header is damaged", reason="damaged")
    _, _, flags, method, *_, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(head)
    if flags & _ENCRYPTED:
        raise PhotoError("it is encrypted", reason="unreadable", advice="Unpack it with its password.")
    file.seek(name_bytes + extra_bytes, 1)
    packed = file.read(member.size)
    if len(packed) < member.size:
        raise PhotoError("the archive ends early", reason="truncated")
    if method == _STORED:
        return packed
    if method != _DEFLATED:
        way = "it is packed in a way other than deflate"
        raise PhotoError(way, reason="unreadable", advice="Unpack the archive.")
    try:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        data = unpacker.decompress(packed, max_bytes)
    except zlib.error as error:
        raise PhotoError(f"it does not unpack ({error})", reason="damaged") from error
    if unpacker.unconsumed_tail:
        raise PhotoError(f"it unpacks to more than {max_bytes:,} bytes", reason="too-large")
    return data
