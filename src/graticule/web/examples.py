"""Examples of the API's documents and the forms that it takes, for its OpenAPI description."""

from __future__ import annotations

from typing import Any

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

EXPLANATION_EXAMPLE = {
    "photo_id": "photo.jpg",
    "model": "default@1dcebc83c455",
    "finest": "cell",
    "method": "gradcam",
    "title": "Grad-CAM",
    "target": {"words": "17", "name": "Paris, FR"},
    "against": {"words": "18", "name": "Brussels, BE"},
    "probability": 0.71,
    "meaning": "Above 0 it speaks for the target, below 0 against it.",
    "unit": "nats",
    "values": [[0.12, -0.03], [0.4, 0.02]],
    "box": {"left": 0.125, "top": 0.0, "right": 0.875, "bottom": 1.0},
}

_TOLD_EXAMPLE = {
    "cell": "Paris, FR",
    "place": "Paris, FR",
    "latitude": 48.86,
    "longitude": 2.35,
    "confidence": 0.41,
    "confidence_in_words": "about as likely as not",
    "country": "FR",
    "country_name": "France",
    "country_confidence": 0.55,
    "region_km2": 1250000.0,
    "region_promise": 0.9,
    "error_km": 3.2,
}
PRIVACY_EXAMPLE = {
    "photo_id": "photo.jpg",
    "model": "default@1dcebc83c455",
    "finest": "cell",
    "metadata": {
        "format": "JPEG",
        "width_px": 4000,
        "height_px": 3000,
        "bytes": 3500000,
        "position": {"latitude": 48.88, "longitude": 2.31, "source": "EXIF GPS", "place": "Paris, FR"},
        "traces": [{"kind": "time", "words": "2024-05-17 18:02", "where": "EXIF", "values": {}}],
    },
    "before": _TOLD_EXAMPLE,
    "after": _TOLD_EXAMPLE | {"confidence": 0.1, "confidence_in_words": "very unlikely"},
    "regions": [{"box": [500, 0, 1000, 500], "area": 0.021, "confidence": 0.22}],
    "copy": {
        "format": "JPEG",
        "media_type": "image/jpeg",
        "bytes": 3100000,
        "is_lossless": False,
        "blurred_area": 0.021,
        "base64": None,
    },
}

KINDS = "JPEG, PNG, WebP, HEIC, AVIF, TIFF, GIF, BMP"


def _form(what: str, **limits: int) -> dict[str, Any]:
    """The body of a request: a form whose field ``files`` holds photos."""
    files = {
        "type": "array",
        "minItems": 1,
        **limits,
        "items": {"type": "string", "format": "binary"},
        "description": f"{what}: {KINDS}.",
    }
    schema = {"type": "object", "required": ["files"], "properties": {"files": files}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


ONE_FILE = _form("One photo", maxItems=1)
FORM = _form("One or more photos")
