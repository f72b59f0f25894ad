"""Cells between parallels and meridians: the k-d tree, and the quadtree as OSV-5M's."""
