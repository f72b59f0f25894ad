"""The Earth as numbers: arrays of (latitude, longitude) in degrees in, arrays out.

``graticule.geo.sphere``
    lengths, directions and means on the sphere
``graticule.geo.s2``
    Google's S2 cells: ids, tokens, corners, neighbours, areas
``graticule.geo.outlines``, ``graticule.geo.countries``, ``graticule.geo.places``
    country outlines, country codes and continents, names of towns, all offline
``graticule.geo.geojson``
    the one place that writes (longitude, latitude)

Import the module you need: nothing is loaded with the package, so that NumPy is all that the first two cost.
"""
