"""What a bundle says of itself: ``bundle.json``."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from graticule.bundle.regions import RegionRule
from graticule.bundle.scaling import Scaling


class BundleCard(BaseModel):
    """The facts of a bundle that a program needs; people read MODEL_CARD.md.

    Convention:
        - ``temperature``: the probabilities of the network are raised to 1 / temperature and normalised
        - ``scaling``: what is done to the probabilities after the temperature, or None
        - ``region_rule``: how the cells of a region are scored
        - ``conformal``: promised coverage (a share, as text: "0.9") -> the score that a region's cells
          stay below so that they hold the truth that often; for the rule ``aps`` the cumulative calibrated
          probability that the best cells must reach
        - ``conformal_by_group``: promised coverage -> continent (two letters) -> its own threshold
        - ``calibration``: what was calibrated on, and what was measured on other photos
        - ``estimate``: how the point is chosen when the user does not say: from the cell probabilities, or
          ``position``, the network's own output of that name
        - ``metrics``: by name of the photo set, the contents of its ``metrics.json`` in short
        - ``files``: name -> sha256 in hexadecimal, filled in when the bundle is written
        - ``revision``: first 12 digits of the sha256 over those and over what changes the answers
          (temperature, thresholds, ...), so that what answers alike has the same name
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
    scaling: Scaling | None = None
    region_rule: RegionRule = RegionRule()
    conformal: dict[str, float] = Field(default_factory=dict)
    conformal_by_group: dict[str, dict[str, float]] = Field(default_factory=dict)
    calibration: dict[str, Any] = Field(default_factory=dict)
    estimate: Literal["best-cell", "expected-distance", "position"] = "best-cell"
    metrics: dict[str, Any] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Name and revision, as every prediction states it."""
        return f"{self.name}@{self.revision}" if self.revision else self.name
