"""The keys of a recipe's ``phases`` and ``early_stopping``. Needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from graticule.training.recipe.section import Section


class PhaseSection(Section):
    """A stretch of training.

    Convention:
        - ``trainable``: ``head`` (the backbone stands still and is not run backward), or ``all``
        - ``learning_rate``: at its highest; ``backbone_learning_rate`` the same for the backbone, when
          it is to differ
        - ``warmup_epochs``: the rate rises from zero over so many epochs
        - ``cached_views``: with ``trainable: head``, run the backbone once over so many augmented views of
          each photo and learn from the kept features; 0 runs it every epoch
        - ``batch_norm``: ``update`` its statistics where it trains, or keep them ``frozen``
        - ``clip_norm``: longest gradient allowed, or null
    """

    name: str
    epochs: int = Field(gt=0)
    trainable: Literal["head", "all"] = "all"
    learning_rate: float = Field(gt=0.0)
    backbone_learning_rate: float | None = Field(default=None, gt=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup_epochs: float = Field(default=0.0, ge=0.0)
    cached_views: int = Field(default=0, ge=0)
    batch_norm: Literal["update", "frozen"] = "update"
    clip_norm: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _cache_only_with_a_still_backbone(self) -> PhaseSection:
        if self.cached_views and self.trainable != "head":
            raise ValueError(
                "cached_views needs 'trainable: head': kept features are of a backbone that stands still"
            )
        return self


class EarlyStoppingSection(Section):
    """A phase ends when the validation loss has not fallen by ``min_improvement`` for ``patience`` epochs."""

    patience: int = Field(default=3, gt=0)
    min_improvement: float = Field(default=0.0, ge=0.0)
