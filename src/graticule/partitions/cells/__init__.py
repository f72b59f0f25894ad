"""What cells are made of: S2 cells, boxes, territories, unions; the places they cover, how they are drawn."""
