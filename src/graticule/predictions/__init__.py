"""Predictions: the answers of a model, one row per photo, and the files that hold them."""

from graticule.predictions.prediction import Candidate, Prediction
from graticule.predictions.predictions import Predictions
from graticule.predictions.table import SCHEMA

__all__ = ["SCHEMA", "Candidate", "Prediction", "Predictions"]
