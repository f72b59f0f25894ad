"""Why there: which parts of a photo a model's answer rests on, and how far that can be trusted.

``explain`` gives signed maps of one photo, in nats; ``overlay`` and ``png`` draw them; ``check`` measures how
faithful they are.

Example:
    >>> import numpy as np
    >>> from graticule.inference import load_model
    >>> photo = np.full((300, 400, 3), 90, dtype=np.uint8)  # or a path, bytes, a PIL image
    >>> found = explain(load_model(), photo, "gradcam", target="country:CN", against="country:JP")
    >>> found.map.values.shape, found.map.unit
    ((7, 7), 'nats')
    >>> png(overlay(found.view.picture, found.map))[1:4]
    b'PNG'
"""

from graticule.explanations.checking import Check, check
from graticule.explanations.drawing import heat, jpeg, overlay, png
from graticule.explanations.explaining import METHODS, Explanation, Method, explain, occlusion_method
from graticule.explanations.occlusion import OcclusionSettings
from graticule.explanations.saliency_map import SaliencyMap
from graticule.explanations.targets import Target, target_of
from graticule.explanations.views import View, view_of

__all__ = [
    "METHODS",
    "Check",
    "Explanation",
    "Method",
    "OcclusionSettings",
    "SaliencyMap",
    "Target",
    "View",
    "check",
    "explain",
    "heat",
    "jpeg",
    "occlusion_method",
    "overlay",
    "png",
    "target_of",
    "view_of",
]
