"""Photos inside archives, named ``archive::member``: ``images/00.zip::00/17.jpg``, ``shard_0.msg::e1/5.jpg``.

They are read in place, from wherever a path to a photo is taken. What is kept in memory is where each member
starts, 24 bytes per member; no file stays open, so that threads and forked loaders may read at once.
"""

from __future__ import annotations

from graticule.photos.archives.reading import (
    ARCHIVE_SUFFIXES,
    SEPARATOR,
    Listing,
    is_archive,
    is_photo_there,
    list_members,
    member_of,
    read_member,
)

__all__ = [
    "ARCHIVE_SUFFIXES",
    "SEPARATOR",
    "Listing",
    "is_archive",
    "is_photo_there",
    "list_members",
    "member_of",
    "read_member",
]
