"""What a bundle says of itself: ``bundle.json``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class BundleCard(BaseModel):
    """The facts of a bundle that a program needs; people read MODEL_CARD.md.

    Convention:
        - ``temperature``: the probabilities of the network are raised to 1 / temperature and normalised
        - ``conformal``: promised coverage (a share, as text: "0.9") -> cumulative calibrated probability
          that the best cells must reach so that they hold the truth that often
        - ``estimate``: how the point is chosen from the cell probabilities when the user does not say
        - ``metrics``: by name of the photo set, the contents of its ``metrics.json`` in short
        - ``files``: name -> sha256 in hexadecimal, filled in when the bundle is written
        - ``revision``: first 12 digits of the sha256 over those, so that the same files have the same name
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    name: str = Field(min_length=1)
    revision: str = ""
    created: str = Field(default="", description="ISO 8601, UTC")
    graticule_version: str = ""
    architecture: str = Field(description="backbone by its timm name, and how it is pooled")
    head: str = Field(description="how cells are scored: MC, HMC, ...")
    backbone: str = Field(default="", description="origin of the first weights")
    training_data: dict[str, Any] = Field(default_factory=dict)
    licence: str = ""
    weights: Literal["float32", "float16", "int8"] = "float32"
    temperature: float = Field(default=1.0, gt=0.0)
    conformal: dict[str, float] = Field(default_factory=dict)
    estimate: Literal["best-cell", "expected-distance"] = "best-cell"
    metrics: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Name and revision, as every prediction states it."""
        return f"{self.name}@{self.revision}" if self.revision else self.name
