"""A tiny world: photos whose colours say where they are, drawn by the tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from graticule.photos.table import write_photo_table
from graticule.training.recipe import Recipe

TOWNS = {
    "FR": (48.86, 2.35, (200, 40, 40)),
    "JP": (35.68, 139.69, (40, 200, 40)),
    "BR": (-23.55, -46.63, (40, 40, 200)),
    "AU": (-33.87, 151.21, (200, 200, 40)),
}
PER_TOWN = {"train": 10, "val": 4, "test": 3}


def draw_world(folder: Path, *, per_town: dict[str, int] = PER_TOWN, seed: int = 0) -> Path:
    """Photos of four towns, each in its colour with noise, and their photo table; the table's folder."""
    generator = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    rows = []
    for country, (latitude, longitude, colour) in TOWNS.items():
        for split, count in per_town.items():
            for number in range(count):
                name = f"{country}-{split}-{number}"
                noise = generator.normal(0, 40, (48, 64, 3))
                pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
                Image.fromarray(pixels).save(folder / "images" / f"{name}.png")
                rows.append(
                    {
                        "photo_id": name,
                        "path": f"images/{name}.png",
                        "latitude": latitude + generator.normal(0, 0.1),
                        "longitude": longitude + generator.normal(0, 0.1),
                        "country": country,
                        "split": split,
                        # photos of val are of an author each: six would be too few to promise 90 %
                        "group": f"{country}-{split}-{number if split == 'val' else number // 2}",
                        "licence": "CC0-1.0",
                        "usable": number % 2 == 0,
                    }
                )
    write_photo_table(pl.DataFrame(rows), folder)
    return folder


def tiny_values(table: Path, **changes: object) -> dict[str, object]:
    """A run of seconds on the tiny world, as a recipe's mapping; ``changes`` replace whole sections."""
    values: dict[str, object] = {
        "photos": {"table": str(table)},
        "partition": {"max_photos": 20, "min_photos": 5},
        "network": {
            "backbone": {"name": "test_resnet", "weights": "none"},
            "dropout": 0.1,
            "image_size_px": 32,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
        },
        "augmentation": {"policy": "crop-jitter-flip", "min_area": 0.5},
        "phases": [
            {"name": "head", "epochs": 2, "trainable": "head", "learning_rate": 0.01},
            {"name": "all", "epochs": 3, "learning_rate": 0.003, "warmup_epochs": 0.5},
        ],
        "batch_size": 8,
        "workers": 0,
    }
    return {**values, **changes}


def tiny_recipe(table: Path, **changes: object) -> Recipe:
    """``tiny_values`` as a recipe."""
    return Recipe.model_validate(tiny_values(table, **changes))
