"""Making stated confidence true: scaling, regions that hold the truth as often as promised; measures."""

from graticule.evaluation.calibration.conformal import conformal_threshold, least_photos
from graticule.evaluation.calibration.scaling import fit_platt, fit_temperature, fit_vector

__all__ = ["conformal_threshold", "fit_platt", "fit_temperature", "fit_vector", "least_photos"]
