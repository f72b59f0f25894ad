"""A synthetic planet: rendered street scenes whose looks depend on where they are, to test what models learn.

    python -m graticule.photos.synthetic --photos 2000 --shortcut hood:GH,SN,KE,UG,NG -o planet

Climate, light, soil, mountains, plants, roads, signs, scripts and houses follow place and country; season,
weather, traffic and the camera do not. Shortcuts (a car's hood, a badge, a cast of the sky) can be planted in
given countries, each with a mask, so that an explanation can be checked against what is known to give the
place away. No third-party picture is used; what it draws is in the public domain (CC0-1.0).
"""

from __future__ import annotations

from graticule.photos.synthetic.plan import COUNTRIES, SPREADS
from graticule.photos.synthetic.planet import build_planet
from graticule.photos.synthetic.scene import render
from graticule.photos.synthetic.shortcuts import SHORTCUTS

__all__ = ["COUNTRIES", "SHORTCUTS", "SPREADS", "build_planet", "render"]
