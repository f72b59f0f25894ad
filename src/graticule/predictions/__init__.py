"""Predictions: the answers of a model, one row per photo, and the files that hold them."""

from graticule.predictions.prediction import Candidate, Prediction
from graticule.predictions.predictions import SCHEMA, Predictions

__all__ = ["SCHEMA", "Candidate", "Prediction", "Predictions"]
