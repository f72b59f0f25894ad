"""How to train again without a part: one key of a recipe."""

from __future__ import annotations

from graticule.explanations.auditing.rectangles import Rectangle


def region_of_photo(part: Rectangle, *, aspect: float, crop_fraction: float) -> Rectangle:
    """The rectangle of whole photos that covers a part of the square cut from their middle.

    What touches an edge of the square reaches to the edge of the photo.

    Convention:
        - ``aspect``: width of the photos as a multiple of their height; ``crop_fraction``: share of the short
          side that the square has

    Example:
        >>> str(region_of_photo(Rectangle(0.8, 0.25, 1, 0.75), aspect=2.0, crop_fraction=1.0))
        'top 80 %, left 38 %, bottom 100 %, right 62 %'
    """
    high, wide = crop_fraction * min(1.0, aspect), crop_fraction * min(1.0, 1 / aspect)
    top, bottom = (_in_photo(share, high) for share in (part.top, part.bottom))
    left, right = (_in_photo(share, wide) for share in (part.left, part.right))
    return Rectangle(top, left, bottom, right)


def _in_photo(share: float, side: float) -> float:
    return share if share in (0.0, 1.0) else round(0.5 + (share - 0.5) * side, 4)


def how_to_retrain(region: Rectangle) -> str:
    """What to type for a run whose photos have the region covered, in training and validation."""
    shares = ",".join(f"{share:g}" for share in region.shares)
    return f"graticule train RECIPE --set 'augmentation.region=[{shares}]' -o RUN"
