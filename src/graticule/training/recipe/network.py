"""The keys of a recipe's section ``network``. Needs no torch."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from graticule.training.recipe.head import HeadSection
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


class TransformerSection(BackboneSection):
    """A vision transformer of timm, whose blocks read the backbone's feature map.

    Convention:
        - ``grid``: the map is brought to ``grid`` x ``grid`` patches

    Source:
        S1 (CNN + ViT for geolocation, 2025): ``vit_small_patch16_224`` on 14 x 14 patches.
    """

    grid: int = Field(default=14, ge=1)


class NetworkSection(Section):
    """The whole network: how it sees, pools and scores cells.

    Convention:
        - ``transformer``: when given, the backbone's feature map goes through its blocks, and the mean over
          the patches is what ``pooling`` would have given
        - ``scene``: a second, linear head learns the scene of the photo (column ``scene``: urban, natural,
          indoor) as an auxiliary task; needs the loss ``scene`` among its terms
        - ``dropout``: of the pooled features; ``dense``: widths of the dense layers with ReLU behind it,
          one number or a list; ``dropout_after``: of what the last of them gives
        - ``image_size_px``, ``crop``, ``mean``, ``std``: as timm's card of the backbone when left out;
          ``mean`` and ``std`` are of RGB in [0, 1]
        - ``crop``: share of the resized short side that the centre crop keeps
        - ``feature_norm``: features are brought to mean 0 and deviation 1 before the head
    """

    backbone: BackboneSection
    transformer: TransformerSection | None = None
    pooling: Literal["avg", "max", "token"] = "avg"
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    dense: tuple[Annotated[int, Field(gt=0)], ...] = ()
    dropout_after: float = Field(default=0.0, ge=0.0, lt=1.0)
    feature_norm: bool = False
    head: HeadSection = HeadSection()
    scene: bool = False
    image_size_px: int | None = Field(default=None, ge=16)
    crop: float | None = Field(default=None, gt=0.0, le=1.0)
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None

    @field_validator("dense", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, int) else given or ()

    @field_validator("std")
    @classmethod
    def _can_be_divided_by(cls, given: tuple[float, float, float] | None) -> Any:
        if given is not None and not all(value > 0 for value in given):
            raise ValueError("std is what photos are divided by: three numbers above 0")
        return given

    @model_validator(mode="after")
    def _goes_together(self) -> NetworkSection:
        if self.dropout_after and not self.dense:
            raise ValueError("dropout_after lies behind a dense layer; set 'dense', or use 'dropout' alone")
        if self.transformer is not None and self.pooling != "avg":
            raise ValueError("behind a transformer the mean over its patches is taken: set 'pooling: avg'")
        return self
