"""Cells that follow outlines which people know: countries, districts, or polygons of the user's."""
