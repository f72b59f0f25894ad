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


class PhotoError(GraticuleError, ValueError):
    """A file cannot be used as a photo. ``reason`` is a short stable code that reports count by."""

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


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


class PredictionsError(GraticuleError, ValueError):
    """A predictions file cannot be read, or does not match the truth it is compared with."""


class MissingPackageError(GraticuleError, ImportError):
    """An optional package is not installed."""
