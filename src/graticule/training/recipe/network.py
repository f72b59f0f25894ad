"""The keys of a recipe's section ``network``. Needs no torch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from graticule.training.recipe.section import Section


class BackboneSection(Section):
    """The network up to its features.

    Convention:
        - ``name``: any name of timm
        - ``weights``: ``pretrained`` (timm downloads them), ``none``, ``default`` (the model inside
          graticule), or the path of a .safetensors file, a run folder, a bundle or a hub folder
        - ``kwargs``: handed to timm's constructor
        - ``identity_modules``: modules replaced by nothing, by their dotted names (``blocks.0.0.bn1.act``)
    """

    name: str
    weights: str = "pretrained"
    kwargs: dict[str, Any] = Field(default_factory=dict)
    identity_modules: tuple[str, ...] = ()


class NetworkSection(Section):
    """The whole network: how it sees, pools and scores cells.

    Convention:
        - ``image_size_px``, ``crop``, ``mean``, ``std``: as timm's card of the backbone when left out;
          ``mean`` and ``std`` are of RGB in [0, 1]
        - ``crop``: share of the resized short side that the centre crop keeps
        - ``feature_norm``: features are brought to mean 0 and deviation 1 before the head
    """

    backbone: BackboneSection
    pooling: Literal["avg", "max", "token"] = "avg"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    feature_norm: bool = False
    head: Literal["mc"] = "mc"
    image_size_px: int | None = Field(default=None, ge=16)
    crop: float | None = Field(default=None, gt=0.0, le=1.0)
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
