"""Why there: which parts of a photo a model's answer rests on, and how far that can be trusted.

model = graticule.load_model()
found = explain(model, "photo.jpg", "gradcam", target="country:CN", against="country:JP")
found.map.values, found.map.meaning             # signed, in nats
png(overlay(found.view.picture, found.map))     # the heat map over the photo
"""

from graticule.explanations.drawing import heat, jpeg, overlay, png
from graticule.explanations.explaining import METHODS, Explanation, Method, explain, occlusion_method
from graticule.explanations.occlusion import OcclusionSettings
from graticule.explanations.saliency_map import SaliencyMap
from graticule.explanations.targets import Target, target_of
from graticule.explanations.views import View, view_of

__all__ = [
    "METHODS",
    "Explanation",
    "Method",
    "OcclusionSettings",
    "SaliencyMap",
    "Target",
    "View",
    "explain",
    "heat",
    "jpeg",
    "occlusion_method",
    "overlay",
    "png",
    "target_of",
    "view_of",
]
