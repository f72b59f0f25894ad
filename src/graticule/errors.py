"""Errors that a user can act on.

Every message is a sentence that says what was wrong, what was expected and what to type.
Each class also inherits the standard exception that a caller would expect, so that
``except FileNotFoundError`` goes on working.
"""


class GraticuleError(Exception):
    """Something a user can mend; the command line prints it without a traceback.

    ``exit_status`` is what the command line exits with: 1 the work failed, 2 the words were wrong.
    """

    exit_status = 1


class UsageError(GraticuleError, ValueError):
    """The words were wrong: an unknown option value, two options that exclude each other."""

    exit_status = 2


class MissingFileError(GraticuleError, FileNotFoundError):
    """A file or folder that was named does not exist or cannot be read."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class CoordinateError(GraticuleError, ValueError):
    """A place is not on Earth: a latitude outside [-90, 90], or a value that is not finite."""


class CellIdError(GraticuleError, ValueError):
    """A number or token is not an S2 cell, or not one that the question makes sense for."""


_MEND = "Mend it with a tag editor such as ExifTool, or give the place in a table."

PHOTO_ADVICE = {
    "missing": "Look where it lies, and name it again.",
    "unreadable": "Check that you may read it, and that its disk is whole.",
    "empty": "Copy or fetch it again.",
    "not-an-image": "Expected is JPEG, HEIC, PNG, WebP, TIFF, AVIF, GIF or BMP: convert it, or leave it out.",
    "truncated": "Copy or fetch it again, whole.",
    "damaged": "Fetch it again, or save it anew in a picture program.",
    "too-large": "Scale it down first.",
    "no-position": "Give its place in a table with latitudes and longitudes.",
    "empty-gps": "Give its place in a table with latitudes and longitudes.",
    "half-position": _MEND,
    "nan-position": _MEND,
    "zero-position": _MEND,
    "out-of-range": _MEND,
    "no-hemisphere": _MEND,
    "broken-exif": _MEND,
    "broken-xmp": _MEND,
    "broken-comment": _MEND,
}
"""What to do about a photo, by the reason why it cannot be used."""


class PhotoError(GraticuleError, ValueError):
    """A file cannot be used as a photo.

    Convention:
        - ``reason``: a short stable code that reports count by
        - ``advice``: what to do, the end of the sentence; that of ``PHOTO_ADVICE`` when left out
    """

    def __init__(self, message: str, *, reason: str, advice: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.advice = PHOTO_ADVICE.get(reason, "") if advice is None else advice

    def __str__(self) -> str:
        said = str(self.args[0])
        return said if said.endswith(self.advice) else f"{said} {self.advice}"


class TableError(GraticuleError, ValueError):
    """A table lacks a column, or holds values that cannot be what the column says."""


class CollectionError(GraticuleError, RuntimeError):
    """Photos cannot be collected now: a service refuses, or does not answer. What was collected is kept."""


class PartitionError(GraticuleError, ValueError):
    """A partition cannot be built, read, or used with what it was combined with."""


class RecipeError(GraticuleError, ValueError):
    """A recipe has an unknown key or a value out of range."""

    exit_status = 2


class TrainingError(GraticuleError, RuntimeError):
    """Training cannot start or go on."""


class BundleError(GraticuleError, ValueError):
    """A bundle is missing a file, or a file of it is damaged."""


class ExplanationError(GraticuleError, ValueError):
    """An answer of this model cannot be explained in the way that was asked for."""


class ContrastError(ExplanationError):
    """A photo's own answer is all that it was to be held against, so that no contrast is left."""


class PredictionsError(GraticuleError, ValueError):
    """A predictions file cannot be read, or does not match the truth it is compared with."""


class MissingPackageError(GraticuleError, ImportError):
    """An optional package is not installed."""
