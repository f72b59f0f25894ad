"""The scene group of a photo (urban, natural, indoor), where the source gives Places365 probabilities."""

from __future__ import annotations

from typing import Final

import polars as pl

from graticule.photos.coordinates import read_numbers

SCENES: Final = ("indoor", "natural", "urban")
"""The groups, in the order of the labels 0, 1, 2 that the column ``S3_Label`` holds."""

_PROBABILITIES: Final = {f"prob_{scene}": scene for scene in SCENES}


def with_scene(frame: pl.DataFrame) -> pl.DataFrame:
    """The table with a column ``scene``, where it has probabilities or labels of the three groups.

    Convention:
        - the most probable of ``Prob_indoor``, ``Prob_natural``, ``Prob_urban``; where one is missing the
          ``S3_Label``; null where that is missing too. A column ``scene`` of the source is left alone

    Source:
        E. Müller-Budack et al., "Geolocation Estimation of Photos using a Hierarchical Model and Scene
        Classification" (ECCV 2018): Places365 classes in 3 groups.

    Example:
        >>> rows = {"Prob_indoor": ["0.1"], "Prob_natural": ["0.7"], "Prob_urban": ["0.2"]}
        >>> with_scene(pl.DataFrame(rows))["scene"].to_list()
        ['natural']
    """
    by_key = {name.lower(): name for name in frame.columns}
    if "scene" in by_key:
        return frame
    scene = pl.repeat(None, frame.height, dtype=pl.String, eager=True)
    if "s3_label" in by_key:
        labels, _ = read_numbers(frame[by_key["s3_label"]])
        scene = labels.replace_strict([0.0, 1.0, 2.0], SCENES, default=None, return_dtype=pl.String)
    if _PROBABILITIES.keys() <= by_key.keys():
        columns = [read_numbers(frame[by_key[key]])[0].alias(name) for key, name in _PROBABILITIES.items()]
        chances = pl.DataFrame(columns)
        known = chances.select(pl.all_horizontal(pl.all().is_finite())).to_series().fill_null(value=False)
        best = chances.select(pl.concat_list(pl.all()).list.arg_max()).to_series()
        likely = best.replace_strict([0, 1, 2], SCENES, default=None, return_dtype=pl.String)
        scene = likely.zip_with(known, scene)
    if scene.is_null().all():
        return frame
    return frame.with_columns(scene.alias("scene"))
