"""The documents of the API, as its OpenAPI description shows them."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, Field

from graticule.web.problems import ProblemDetails


class CandidateOut(BaseModel):
    """An area where the photo may have been taken; ``probability`` is a share in [0, 1]."""

    cell: int
    token: str
    name: str
    latitude: float
    longitude: float
    probability: float


class PredictionOut(BaseModel):
    """The answer for one photo: a point in degrees, how sure that is, and what else it could be."""

    photo_id: str
    latitude: float | None
    longitude: float | None
    confidence: float | None = Field(
        description="Calibrated probability of the best area, a share in [0, 1]."
    )
    confidence_in_words: str | None = Field(description="What so much confidence is called.")
    candidates: list[CandidateOut]
    country: str | None = Field(description="ISO 3166-1 alpha-2.")
    country_confidence: float | None
    region_km2: float | None
    region_cells: list[int] | None
    region_promise: float | None = Field(description="How often such regions hold the truth, a share.")
    model: str
    error: str | None = Field(description="Why there is no answer, or null.")
    shading: list[tuple[int, float]] | None = Field(
        default=None, description="[area, share] of every area that matters, when asked for."
    )


class PredictionsOut(BaseModel):
    """The answers, in the order of the files."""

    model: str
    finest: Literal["country", "region", "cell"]
    predictions: list[PredictionOut]


class SideOut(BaseModel):
    """What is explained, or what that is held against."""

    words: str = Field(description="As it was asked for: best, 17, country:CN.")
    name: str


class BoxOut(BaseModel):
    """A part of the upright photo, in shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


class ExplanationOut(BaseModel):
    """Which parts of one photo speak for an area, and which against it."""

    photo_id: str
    model: str
    finest: Literal["country", "region", "cell"]
    method: Literal["gradcam", "occlusion"]
    title: str
    target: SideOut
    against: SideOut | None
    probability: float = Field(
        description="Of what is explained, a share; of a contrast the one side's share of both."
    )
    meaning: str
    unit: str
    values: list[list[float]] = Field(
        description="Rows from the top; above 0 speaks for the target, below 0 against it."
    )
    box: BoxOut = Field(description="The part of the photo that the values lie over.")


class PositionOut(BaseModel):
    """Where the metadata says the photo was taken, degrees."""

    latitude: float
    longitude: float
    source: str
    place: str | None


class TraceOut(BaseModel):
    """One thing that the metadata tells."""

    kind: str
    words: str
    where: str
    values: dict[str, Any]


class MetadataOut(BaseModel):
    """What a file tells beside its pixels."""

    format: str
    width_px: int
    height_px: int
    bytes: int
    position: PositionOut | None
    traces: list[TraceOut]


class ToldOut(BaseModel):
    """What the pixels tell a model; lower than the operator's cap there is null."""

    cell: str | None
    place: str | None
    latitude: float | None
    longitude: float | None
    confidence: float | None = Field(description="Of the cell that was answered for the photo as it was.")
    confidence_in_words: str | None
    country: str | None
    country_name: str | None
    country_confidence: float | None
    region_km2: float | None
    region_promise: float | None
    error_km: float | None = Field(description="From the position in the metadata, which no model sees.")


class TellingOut(BaseModel):
    """A part of the photo: left, top, right, bottom in pixels; what blurring it alone does."""

    box: tuple[int, int, int, int]
    area: float
    confidence: float | None


class CopyOut(BaseModel):
    """A copy without metadata and with the telling parts blurred."""

    format: str
    media_type: str
    bytes: int
    is_lossless: bool
    blurred_area: float
    base64: str | None = Field(description="The file itself, when asked for.")


class PrivacyOut(BaseModel):
    """What one photo gives away."""

    photo_id: str
    model: str | None
    finest: Literal["country", "region", "cell"]
    metadata: MetadataOut
    before: ToldOut | None
    after: ToldOut | None
    regions: list[TellingOut]
    copy_: CopyOut = Field(alias="copy")


_PROBLEM = {"model": ProblemDetails, "content": {"application/problem+json": {}}}
PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    400: {**_PROBLEM, "description": "The form is broken."},
    401: {**_PROBLEM, "description": "A token is needed."},
    404: {**_PROBLEM, "description": "No model of that name."},
    408: {**_PROBLEM, "description": "The request arrived too slowly."},
    413: {**_PROBLEM, "description": "Too many bytes or files."},
    415: {**_PROBLEM, "description": "Not multipart/form-data."},
    422: {**_PROBLEM, "description": "No file, no readable photo, or a wrong word."},
    429: {**_PROBLEM, "description": "Too often, or too many photos waiting; see Retry-After."},
    503: {**_PROBLEM, "description": "Not answered in time."},
}
