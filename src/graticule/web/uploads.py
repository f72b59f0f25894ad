"""Files out of a multipart request, in memory and nowhere else, with every limit kept while they arrive."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from graticule.errors import PhotoError
from graticule.web.problems import ProblemError
from graticule.web.settings import ServerSettings

NAMES: Final = ("files", "file")
"""What a form's files may be called."""

FIELDS: Final = 20
"""Form fields that are taken in, to be named when they are refused."""

FIELD_BYTES: Final = 4096

NAME_LETTERS: Final = 120

_SIGNATURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"II*\0", b"MM\0*", b"BM")
_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True)
class Upload:
    """One file: what the client calls it, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Form:
    """What a request brought: its files in order."""

    files: tuple[Upload, ...]


class _InMemory(MultiPartParser):
    """Starlette's parser, but no file is ever moved from memory to the disk."""

    spool_max_size = 1 << 40


async def read_form(request: Request, settings: ServerSettings) -> Form:
    """The files of a multipart request.

    Convention:
        - files may be called ``files`` or ``file``; what is called otherwise is refused, not passed over

    Raises:
        ProblemError: 415 no multipart; 400 broken; 413 too many bytes or files; 408 too slow; 422 no file,
            or something else beside them.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise ProblemError(
            415,
            "not-multipart",
            f"Expected multipart/form-data, got {kind or 'nothing'}. Try:  curl -F files=@photo.jpg URL",
        )
    try:
        async with asyncio.timeout(settings.body_s):
            parser = _InMemory(
                request.headers,
                _limited(request, settings.body_bytes),
                max_files=settings.files,
                max_fields=FIELDS,
                max_part_size=FIELD_BYTES,
            )
            form = await parser.parse()
    except TimeoutError as error:
        raise ProblemError(
            408, "too-slow", f"The request did not arrive within {settings.body_s:g} s."
        ) from error
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            detail = f"At most {settings.files} files are taken at once. Send them in several requests."
            raise ProblemError(413, "too-many-files", detail) from error
        raise ProblemError(400, "broken-form", error.message) from error
    except (KeyError, ValueError, UnicodeError) as error:
        raise ProblemError(400, "broken-form", "The multipart form cannot be read.") from error
    try:
        _check_fields(form)
        given = [value for name in NAMES for value in form.getlist(name) if isinstance(value, UploadFile)]
        files = [
            Upload(_shown(value.filename, number), await value.read()) for number, value in enumerate(given)
        ]
    finally:
        await form.close()
    if not files:
        raise ProblemError(422, "no-file", "The form holds no file. Try:  curl -F files=@photo.jpg URL")
    return Form(tuple(files))


def _check_fields(form: FormData) -> None:
    for name, value in form.multi_items():
        is_file = isinstance(value, UploadFile)
        if is_file and name not in NAMES:
            detail = f"The form calls a file '{_clean(name)}'; expected is 'files'."
        elif not is_file and name not in NAMES:
            shown = _clean(name)
            detail = (
                f"The form's field '{shown}' is not read. What is chosen goes into the address:  ?{shown}=..."
            )
        else:
            continue
        raise ProblemError(422, "wrong-words", f"{detail} Try:  curl -F files=@photo.jpg URL")


def check_kind(data: bytes) -> None:
    """Refuse what does not begin like a photo of a usual kind, before any decoder sees it.

    Raises:
        PhotoError: ``empty`` or ``not-an-image``.
    """
    if not data:
        raise PhotoError("The file is empty (0 bytes).", reason="empty")
    webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    heif = data[4:8] == b"ftyp" and data[8:12] in _BRANDS
    if not (webp or heif or data.startswith(_SIGNATURES)):
        raise PhotoError("The file is no photo of a kind that is taken here.", reason="not-an-image")


async def _limited(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > most:
        raise _too_large(most)
    arrived = 0
    stream: AsyncIterator[bytes] = request.stream()
    async for chunk in stream:
        arrived += len(chunk)
        if arrived > most:
            raise _too_large(most)
        yield chunk


def _too_large(most: int) -> ProblemError:
    return ProblemError(
        413, "too-large", f"A request may hold {most / 1e6:.0f} MB. Send fewer or smaller photos at once."
    )


def _shown(name: str | None, number: int) -> str:
    """The last part of the client's file name, without letters that a terminal would act on."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    return _clean(last) or f"photo-{number}"


def _clean(said: str) -> str:
    return "".join(letter for letter in said if letter.isprintable())[:NAME_LETTERS]
