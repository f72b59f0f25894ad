"""Interactive maps: a scene of cells and located photos, written as one HTML file that opens offline."""

from graticule.maps.html import map_page, write_map
from graticule.maps.scene import CellLayer, MapPhoto, MapScene

__all__ = ["CellLayer", "MapPhoto", "MapScene", "map_page", "write_map"]
