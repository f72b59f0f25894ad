"""Everything that decides what one scene looks like, together."""

from __future__ import annotations

from dataclasses import dataclass

from graticule.photos.synthetic.canvas import Camera
from graticule.photos.synthetic.climate import Climate
from graticule.photos.synthetic.customs import Customs
from graticule.photos.synthetic.growth import Growth
from graticule.photos.synthetic.light import Light


@dataclass(frozen=True)
class View:
    """One look at one place: the camera, the nature and the customs in front of it, the light."""

    camera: Camera
    climate: Climate
    customs: Customs
    growth: Growth
    light: Light
