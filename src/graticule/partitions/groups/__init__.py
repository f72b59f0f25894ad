"""Cells that are several cells of another partition, united by what they have in common."""
