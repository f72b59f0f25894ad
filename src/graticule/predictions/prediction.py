"""One photo's answer: where it was taken, how sure that is, and what else it could be."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from graticule.config import probability_phrase


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cell where the photo may have been taken.

    Convention:
        - ``cell``: index 0..K-1 in the model's partition; ``token``: its external id
        - ``latitude``, ``longitude``: degrees, the mean place of the cell's photos
        - ``probability``: calibrated share in [0, 1]
    """

    cell: int
    token: str
    name: str
    latitude: float
    longitude: float
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """The answer for one photo.

    Convention:
        - ``latitude``, ``longitude``: the point estimate in degrees
        - ``confidence``: calibrated probability, a share in [0, 1], that the photo lies in the best cell;
          None, with no candidates, from a model that gives places and knows no cells
        - ``candidates``: best first
        - ``country``: ISO 3166-1 alpha-2 of the most probable country; ``country_confidence``: the
          sum of the probabilities of its cells
        - ``region_cells``, ``region_km2``: the cells of the conformal region and their area in km²;
          ``region_promise``: how often such regions hold the truth, a share; None when the model was not
          calibrated for one
        - ``model``: name and revision of what answered
        - ``error``: None, or why there is no answer; then every field of the answer is None or empty

    Example:
        >>> print(Prediction("a.jpg", "a.jpg", model="m@1", error="The file is empty."))
        a.jpg: no answer. The file is empty.
    """

    photo_id: str
    path: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    confidence: float | None = None
    candidates: tuple[Candidate, ...] = ()
    country: str | None = None
    country_confidence: float | None = None
    region_km2: float | None = None
    region_cells: tuple[int, ...] | None = None
    region_promise: float | None = None
    model: str = ""
    error: str | None = None

    @property
    def name(self) -> str | None:
        """Name of the best cell, such as "Beijing, CN"; None without an answer."""
        return self.candidates[0].name if self.candidates else None

    @property
    def estimate_name(self) -> str | None:
        """Name of the cell whose centre is the point estimate; None when it is not among the candidates."""
        point = (self.latitude, self.longitude)
        return next((c.name for c in self.candidates if (c.latitude, c.longitude) == point), None)

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain Python values, candidates as dictionaries."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["candidates"] = [
            {field.name: getattr(candidate, field.name) for field in fields(Candidate)}
            for candidate in self.candidates
        ]
        values["region_cells"] = None if self.region_cells is None else list(self.region_cells)
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Prediction:
        """The prediction whose ``to_dict`` gave ``values``; missing fields take their defaults."""
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        known["candidates"] = tuple(Candidate(**candidate) for candidate in known.get("candidates") or ())
        region = known.get("region_cells")
        known["region_cells"] = None if region is None else tuple(region)
        return cls(**known)

    def __str__(self) -> str:
        if self.error is not None or self.latitude is None or self.longitude is None:
            return f"{self.photo_id}: no answer. {self.error or ''}".rstrip()
        name = self.estimate_name
        place = f"{self.latitude:.4f}, {self.longitude:.4f}" + (f" ({name})" if name else "")
        if self.confidence is None:
            return f"{self.photo_id}: {self.latitude:.4f}, {self.longitude:.4f}, without a confidence"
        words = in_words(self.confidence)
        how = "" if name is None else "least expected error; "
        sure = words if name == self.name else f"{how}best cell {self.name}: {words}"
        lines = [f"{self.photo_id}: {place}, {sure}"]
        lines += [
            f"  {rank}. {candidate.probability:6.1%}  {candidate.name}"
            f" ({candidate.latitude:.2f}, {candidate.longitude:.2f})"
            for rank, candidate in enumerate(self.candidates[:5], start=1)
        ]
        return "\n".join(lines)


def in_words(probability: float) -> str:
    """A calibrated probability as a phrase with its number; ``probability`` is a share in [0, 1].

    Example:
        >>> in_words(0.7)
        'likely (70 %)'
    """
    return f"{probability_phrase(probability)} ({probability:.0%})".replace("%", " %")
