"""The whole network: normalisation, backbone, pooling, dense layers, head."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from graticule.errors import RecipeError
from graticule.models.answers import Answer, answer_of
from graticule.models.cnn_transformer import CnnTransformer
from graticule.models.preprocessing import Normalise, Preprocessing
from graticule.models.stages import backbone_stages, set_stages


@dataclass(frozen=True, eq=False)
class Between:
    """What lies between pooling and head: norm, dropout, dense layers; each may do nothing."""

    feature_norm: nn.Module = field(default_factory=nn.Identity)
    dropout: nn.Module = field(default_factory=nn.Identity)
    dense: nn.Module = field(default_factory=nn.Identity)


class PlaceNetwork(nn.Module):
    """Says where photos were taken: scores the K cells of a partition, or gives a place, or both.

    Convention:
        - ``embed``: (B, 3, H, W) RGB in [0, 1] -> (B, D) features
        - ``classify``: (B, D) -> what the head says and the loss sees; of heads of cells (B, K) logits
        - ``answer``: that -> ``Answer``, with ``logit_shift`` (K), the correction for where the photos to be
          located come from
        - ``forward``: (B, 3, H, W) -> the tensors that ``output_names`` names, as an exported model does
    """

    logit_shift: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        *,
        preprocessing: Preprocessing,
        cells: int,
        between: Between | None = None,
        scene: nn.Linear | None = None,
    ) -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.normalise = Normalise(preprocessing)
        self.backbone = backbone
        between = between or Between()
        self.feature_norm = between.feature_norm
        self.dropout = between.dropout
        self.dense = between.dense
        self.head = head
        self.scene = scene
        self.register_buffer("logit_shift", torch.zeros(cells))

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of what ``forward`` gives, in its order: some of probabilities, position, and embedding."""
        gives: tuple[str, ...] = getattr(self.head, "gives", ("probabilities",))
        return (*gives, "embedding")

    def embed(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in [0, 1] -> (B, D) pooled features."""
        features: Tensor = self.backbone(self.normalise(image))
        return features

    def classify(self, features: Tensor) -> Tensor:
        """(B, D) features -> what the loss sees: (B, K) logits without the shift, or the head's own form.

        With a head of scenes beside it, their logits come last.
        """
        dense = self._dense(features)
        raw: Tensor = self.head(dense)
        return raw if self.scene is None else torch.cat([raw, self.scene(dense).to(raw)], dim=1)

    def _dense(self, features: Tensor) -> Tensor:
        dense: Tensor = self.dense(self.dropout(self.feature_norm(features)))
        return dense

    def answer(self, raw: Tensor) -> Answer:
        """What ``classify`` gave -> probabilities (B, K) and/or position (B, 2) in degrees."""
        raw = raw if self.scene is None else raw[:, : raw.shape[1] - self.scene.out_features]
        return answer_of(self.head, raw, self.logit_shift)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """(B, 3, H, W) RGB in [0, 1] -> the tensors of ``output_names``."""
        embedding = self.embed(image)
        answer = answer_of(self.head, self.head(self._dense(embedding)), self.logit_shift)
        found = {**answer._asdict(), "embedding": embedding}
        return tuple(found[name] for name in self.output_names)

    def parts(self) -> dict[str, nn.Module]:
        """What phases can name in ``trainable``: together they hold every parameter, in the order of use.

        Convention:
            - a plain network: ``backbone``, ``dense`` (only where it has dense layers), ``head``, and
              ``scene`` where scenes are learned
            - with a transformer behind a CNN: ``cnn``, ``projection``, ``transformer``, ``dense``, ``head``
        """
        if isinstance(self.backbone, CnnTransformer):
            body = self.backbone
            parts: dict[str, nn.Module] = {
                "cnn": body.cnn,
                "projection": body.projection,
                "transformer": body.transformer,
            }
        else:
            parts = {"backbone": self.backbone}
        if parameter_count(self.dense):
            parts["dense"] = self.dense
        parts["head"] = self.head
        return parts if self.scene is None else {**parts, "scene": self.scene}

    def embedding_parts(self) -> tuple[str, ...]:
        """The parts that ``embed`` runs; kept features are of these, so they must stand still."""
        return tuple(name for name in self.parts() if name not in ("dense", "head", "scene"))

    def chosen_parts(self, trainable: str | Iterable[str]) -> list[str]:
        """The names of parts that ``trainable`` means, in the order of use.

        Convention:
            - ``trainable``: ``all``, ``head`` (all after the embedding), or names of parts

        Raises:
            RecipeError: the network has no part of that name; the message lists them.
        """
        parts = list(self.parts())
        if trainable == "all":
            return parts
        if trainable == "head":
            return [name for name in parts if name not in self.embedding_parts()]
        names = {trainable} if isinstance(trainable, str) else set(trainable)
        if unknown := sorted(names.difference(parts)):
            raise RecipeError(
                f"trainable: the network has no part '{unknown[0]}'. It has: {', '.join(parts)}.\n"
                f"Name some of them, or all:  trainable: [{', '.join(parts[-2:])}]"
            )
        return [name for name in parts if name in names]

    def set_trainable(self, trainable: str | Iterable[str], *, stages: int | None = None) -> str:
        """Let these parts learn and no others, and say in words what that is.

        Convention:
            - ``trainable``: as ``chosen_parts``
            - ``stages``: so many of the last stages of ``backbone`` (or ``cnn``) learn, where it learns at
              all; None: all of it

        Raises:
            RecipeError: no such part, or not so many stages.
        """
        chosen, parts, words = self.chosen_parts(trainable), self.parts(), []
        for name, part in parts.items():
            part.requires_grad_(name in chosen)
            note = ""
            if name in chosen and name in ("backbone", "cnn") and stages is not None:
                learning = set_stages(part, stages)
                note = f", its last {stages} stages: {', '.join(stage.name for stage in learning) or 'none'}"
            if count := trainable_count(part):
                words.append(f"{name} ({count:,} of {parameter_count(part):,}{note})")
        total = f"{trainable_count(self):,} of {parameter_count(self):,} parameters"
        return f"{', '.join(words)}: {total}" if words else "nothing"

    def set_modes(self) -> None:
        """Training mode for what learns. What stands still is in evaluation mode, its BatchNorm too."""
        self.train()
        for part in self.parts().values():
            if not trainable_count(part):
                part.eval()
        for module in self.modules():
            own = list(module.parameters(recurse=False))
            if own and not any(parameter.requires_grad for parameter in own):
                module.eval()  # the norms of stages that stand still

    def in_words(self) -> list[str]:
        """For the log of a run: the parameters of each part, and of each stage of the backbone."""
        parts = self.parts()
        counts = [f"{name} {parameter_count(part):,}" for name, part in parts.items()]
        lines = [f"Parameters: {', '.join(counts)}; together {parameter_count(self):,}."]
        name = "cnn" if "cnn" in parts else "backbone"
        try:
            stages = backbone_stages(parts[name])
        except RecipeError:  # no order of its layers is known, and no phase can speak of stages
            return lines
        words = ", ".join(f"{stage.name} {stage.count:,}" for stage in stages)
        return [*lines, f"Stages of '{name}', 1 to {len(stages)}, first to last: {words}."]


def parameter_count(module: nn.Module) -> int:
    """How many numbers a module learns, if all of it learns."""
    return sum(parameter.numel() for parameter in module.parameters())


def trainable_count(module: nn.Module) -> int:
    """How many numbers of a module learn now."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
