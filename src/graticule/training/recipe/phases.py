"""The keys of a recipe's ``phases`` and of what ends them early. Needs no torch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from graticule.training.recipe.section import Section


class PhaseSection(Section):
    """A stretch of training: what trains, for how long, at which rate.

    Convention:
        - ``epochs`` or ``steps``: how long, in epochs or in steps of the optimiser; one of them
        - ``trainable``: ``head`` (the backbone stands still and is not run backward), ``all``, or a list of
          the network's parts, as the log of a run names them
        - ``trainable_stages``: so many of the backbone's last stages train and the others stand still; all
          of them when left out
        - ``optimizer``: ``adamw``; ``adam``, whose decay is part of the gradient; ``sgd`` with ``momentum``
        - ``betas``: of ``adamw`` and ``adam``
        - ``learning_rate``: at its highest; ``backbone_learning_rate`` the same for the backbone, when
          it is to differ
        - ``weight_decay``: of weights; norms and biases are not decayed
        - ``schedule``: ``constant``, ``cosine``, ``polynomial`` ((1 - progress) ** ``power``), ``step``
          (times ``step_factor`` every ``step_epochs``), ``plateau`` (times ``plateau_factor`` when the
          validation loss has not fallen by ``plateau_improvement`` for ``plateau_patience`` validations)
        - ``final_share``: what ``cosine`` and ``polynomial`` end at, as a share of the highest rate
        - ``warmup_epochs``: the rate rises from zero over so many epochs, with any schedule
        - ``cached_views``: with ``trainable: head``, run the backbone once over so many augmented views of
          each photo and learn from the kept features; 0 runs it every epoch
        - ``batch_norm``: ``update`` its statistics where it trains, or keep them ``frozen``
        - ``clip_norm``: longest gradient allowed, or null

    Source:
        Plateau with patience 3 and factor 0.2: S4, 6.1.3. Polynomial decay: S2, 3.2.
    """

    name: str
    epochs: int | None = Field(default=None, gt=0)
    steps: int | None = Field(default=None, gt=0)
    trainable: Literal["head", "all"] | tuple[str, ...] = "all"
    trainable_stages: int | None = Field(default=None, ge=0)
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    momentum: float = Field(default=0.9, ge=0.0, lt=1.0)
    learning_rate: float = Field(gt=0.0)
    backbone_learning_rate: float | None = Field(default=None, gt=0.0)
    weight_decay: float = Field(default=0.01, ge=0.0)
    schedule: Literal["constant", "cosine", "polynomial", "step", "plateau"] = "cosine"
    final_share: float = Field(default=0.0, ge=0.0, le=1.0)
    power: float = Field(default=1.0, gt=0.0)
    step_epochs: float = Field(default=10.0, gt=0.0)
    step_factor: float = Field(default=0.1, gt=0.0, le=1.0)
    plateau_patience: int = Field(default=3, gt=0)
    plateau_factor: float = Field(default=0.2, gt=0.0, lt=1.0)
    plateau_improvement: float = Field(default=0.0001, ge=0.0)
    warmup_epochs: float = Field(default=0.0, ge=0.0)
    cached_views: int = Field(default=0, ge=0)
    batch_norm: Literal["update", "frozen"] = "update"
    clip_norm: float | None = Field(default=None, gt=0.0)

    @model_validator(mode="after")
    def _goes_together(self) -> PhaseSection:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("a phase lasts so many 'epochs' or so many 'steps'; give one of them")
        if self.cached_views and self.trainable != "head":
            raise ValueError(
                "cached_views needs 'trainable: head': kept features are of a backbone that stands still"
            )
        if self.trainable == () or (self.trainable == "head" and self.trainable_stages):
            raise ValueError("nothing trains: 'trainable' names no part that 'trainable_stages' could be of")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError("betas are two shares in [0, 1)")
        return self


class EarlyStoppingSection(Section):
    """A phase ends when the validation loss has not fallen by so much for ``patience`` validations."""

    patience: int = Field(default=3, gt=0)
    min_improvement: float = Field(default=0.0, ge=0.0)


class AveragingSection(Section):
    """A moving average of the weights is validated, kept as the best and exported, in place of the weights.

    Convention:
        - ``decay``: share that the average keeps of itself at each step; it begins smaller, as
          (1 + steps) / (10 + steps)

    Source:
        B. Polyak, A. Juditsky, "Acceleration of stochastic approximation by averaging" (1992).
    """

    decay: float = Field(default=0.999, gt=0.0, lt=1.0)
