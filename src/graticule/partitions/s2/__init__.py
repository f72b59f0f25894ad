"""Cells of the S2 grid, small where there are many photos."""
