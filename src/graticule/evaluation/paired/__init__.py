"""Is one model really better than another? Paired tests of predictions for the same photos."""

from graticule.evaluation.paired.contest import Contest, compare_predictions

__all__ = ["Contest", "compare_predictions"]
