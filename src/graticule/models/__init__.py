"""Networks in torch: a timm backbone, pooled, and a head that scores cells. Needs the extra ``train``."""

from graticule.models.backbone import create_backbone
from graticule.models.heads import HEADS, FlatHead
from graticule.models.network import PlaceNetwork, create_network
from graticule.models.preprocessing import Preprocessing
from graticule.models.weights import load_backbone_weights, read_tensors

__all__ = [
    "HEADS",
    "FlatHead",
    "PlaceNetwork",
    "Preprocessing",
    "create_backbone",
    "create_network",
    "load_backbone_weights",
    "read_tensors",
]
