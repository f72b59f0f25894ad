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


EXAMPLE = {
    "model": "default@1dcebc83c455",
    "finest": "cell",
    "predictions": [
        {
            "photo_id": "photo.jpg",
            "latitude": 48.8566,
            "longitude": 2.3522,
            "confidence": 0.41,
            "confidence_in_words": "about as likely as not",
            "candidates": [
                {
                    "cell": 17,
                    "token": "47e67",
                    "name": "Paris, FR",
                    "latitude": 48.8566,
                    "longitude": 2.3522,
                    "probability": 0.41,
                }
            ],
            "country": "FR",
            "country_confidence": 0.55,
            "region_km2": 1250000.0,
            "region_cells": [17, 18, 40],
            "region_promise": 0.9,
            "model": "default@1dcebc83c455",
            "error": None,
        }
    ],
}

FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {
                        "files": {
                            "type": "array",
                            "minItems": 1,
                            "items": {"type": "string", "format": "binary"},
                            "description": "One or more photos: JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, BMP.",
                        }
                    },
                }
            }
        },
    }
}

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
