"""What a network is made of, as frozen values: the keys of a recipe's section ``network`` mean these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graticule.models.heads import HeadSettings


@dataclass(frozen=True)
class BackboneSettings:
    """One network of timm and its first weights.

    Convention:
        - ``name``: a timm name, with or without tag
        - ``weights``: ``pretrained``, ``none``, or what ``load_backbone_weights`` reads
        - ``kwargs``: handed to timm's constructor; ``identity_modules``: modules replaced by nothing
    """

    name: str
    weights: str = "none"
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    identity_modules: Sequence[str] = ()


@dataclass(frozen=True)
class InputSettings:
    """What a photo becomes before the network; what is None is as timm's card of the backbone says.

    Convention:
        - ``mean``, ``std``: of RGB in [0, 1]; ``crop``: share of the resized short side that is kept
    """

    size_px: int | None = None
    crop: float | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class TransformerSettings:
    """The vision transformer behind a convolutional backbone.

    Convention:
        - ``network``: a vision transformer of timm, whose blocks are taken
        - ``grid``: the feature map is brought to ``grid`` x ``grid`` patches
    """

    network: BackboneSettings
    grid: int = 14


@dataclass(frozen=True)
class NetworkSettings:
    """A whole network.

    Convention:
        - ``pooling``: ``avg``, ``max`` or ``token``
        - ``dense``: widths of dense layers with ReLU between pooling and head; none when empty
        - ``dropout``: before them; ``dropout_after``: between them and the head
        - ``scene``: a second head learns the scene of the photo
        - ``feature_norm``: pooled features are brought to mean 0 and deviation 1
    """

    backbone: BackboneSettings
    transformer: TransformerSettings | None = None
    pooling: str = "avg"
    feature_norm: bool = False
    dropout: float = 0.0
    dense: tuple[int, ...] = ()
    dropout_after: float = 0.0
    head: HeadSettings = field(default_factory=HeadSettings)
    scene: bool = False
    input: InputSettings = InputSettings()
