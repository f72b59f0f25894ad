"""Networks in torch: a timm backbone, pooled, and a head that scores cells. Needs the extra ``train``."""

from graticule.models.answers import Answer, AnsweringHead
from graticule.models.backbone import create_backbone
from graticule.models.building import create_network
from graticule.models.heads import HEADS, CellTree, FlatHead, HeadSettings, create_head
from graticule.models.network import PlaceNetwork
from graticule.models.preprocessing import Preprocessing
from graticule.models.settings import BackboneSettings, InputSettings, NetworkSettings, TransformerSettings
from graticule.models.weights import load_backbone_weights, read_tensors

__all__ = [
    "HEADS",
    "Answer",
    "AnsweringHead",
    "BackboneSettings",
    "CellTree",
    "FlatHead",
    "HeadSettings",
    "InputSettings",
    "NetworkSettings",
    "PlaceNetwork",
    "Preprocessing",
    "TransformerSettings",
    "create_backbone",
    "create_head",
    "create_network",
    "load_backbone_weights",
    "read_tensors",
]
