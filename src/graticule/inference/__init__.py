"""From a bundle to predictions, without torch."""

from graticule.inference.model import Model, load_model
from graticule.inference.registry import MODELS, list_models

__all__ = ["MODELS", "Model", "list_models", "load_model"]
