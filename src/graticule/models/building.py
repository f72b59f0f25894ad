"""Building networks: from frozen settings and the cells they are to tell apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import nn

from graticule.models.backbone import create_backbone, feature_count, pretrained_card
from graticule.models.cnn_transformer import CnnTransformer, TransformerBlocks
from graticule.models.heads import CellTree, HeadSettings, create_head
from graticule.models.heads.fused import FusedHead
from graticule.models.heads.mixture import MixtureHead
from graticule.models.heads.offsets import OffsetHead
from graticule.models.heads.positions import PointHead
from graticule.models.network import Between, PlaceNetwork
from graticule.models.preprocessing import Preprocessing
from graticule.models.settings import BackboneSettings, NetworkSettings
from graticule.models.weights import load_backbone_weights
from graticule.partitions import Partition
from graticule.photos.layouts.scene import SCENES


def create_network(settings: NetworkSettings, cells: Partition | int) -> PlaceNetwork:
    """Build a network and give its backbone its first weights.

    Convention:
        - ``cells``: the partition whose cells are told apart, or K alone for heads that need no more

    Raises:
        RecipeError: no such network, or an argument that it does not take.
        MissingFileError, TrainingError: the weights are not there, or not of this network.

    Example:
        >>> settings = NetworkSettings(BackboneSettings("test_resnet"), dense=(8,))
        >>> create_network(settings, 3).in_words()[0]
        'Parameters: backbone 372,688, dense 776, head 27; together 373,491.'
    """
    tree = CellTree.flat(cells) if isinstance(cells, int) else CellTree(cells.parents, cells.leaf_nodes)
    body, preprocessing = _body(settings)
    features = feature_count(body, preprocessing.size_px)
    between, width = _between(settings, features)
    return PlaceNetwork(
        body,
        _head(settings.head, width, cells, tree),
        preprocessing=preprocessing,
        cells=tree.count,
        between=between,
        scene=nn.Linear(width, len(SCENES)) if settings.scene else None,
    )


def _body(settings: NetworkSettings) -> tuple[nn.Module, Preprocessing]:
    given = settings.input
    pooling = "avg" if settings.transformer else settings.pooling
    network = _backbone(settings.backbone, pooling=pooling, size_px=given.size_px)
    preprocessing = Preprocessing.of_card(
        pretrained_card(network), size_px=given.size_px, crop=given.crop, mean=given.mean, std=given.std
    )
    if settings.transformer is None:
        return network, preprocessing
    behind = settings.transformer
    vit = _backbone(behind.network, pooling=None, size_px=None)
    blocks = TransformerBlocks(vit, grid=behind.grid, name=behind.network.name)
    return CnnTransformer(network, blocks, grid=behind.grid, size_px=preprocessing.size_px), preprocessing


def _backbone(settings: BackboneSettings, *, pooling: str | None, size_px: int | None) -> nn.Module:
    network = create_backbone(
        settings.name,
        pooling=pooling,
        size_px=size_px,
        kwargs=settings.kwargs,
        identity_modules=settings.identity_modules,
        pretrained=settings.weights == "pretrained",
    )
    if settings.weights not in ("pretrained", "none"):
        load_backbone_weights(network, settings.weights, architecture=settings.name)
    return network


def _head(settings: HeadSettings, width: int, cells: Partition | int, tree: CellTree) -> nn.Module:
    if settings.name not in HEADS_ON_GROUND:
        return create_head(settings, width, tree)
    return HEADS_ON_GROUND[settings.name](settings, width, cells)


def _partition(cells: Partition | int) -> Partition:
    if isinstance(cells, int):
        raise TypeError("this head needs the partition, not only the number of its cells")
    return cells


def _mixture(settings: HeadSettings, width: int, cells: Partition | int) -> nn.Module:
    return MixtureHead(width, _partition(cells), components=settings.components, hidden=settings.hidden)


HEADS_ON_GROUND: Final[dict[str, Callable[[HeadSettings, int, Partition | int], nn.Module]]] = {
    "regression": lambda said, width, _: PointHead(width, form="degrees", hidden=said.hidden),
    "unit-sphere": lambda said, width, _: PointHead(width, form="sphere", hidden=said.hidden),
    "von-mises-fisher": _mixture,
    "hybrid": lambda _, width, cells: OffsetHead(width, _partition(cells)),
    "multi": lambda _, width, cells: FusedHead(width, _partition(cells)),
}
"""Heads that need more of a partition than its tree, or none; made from settings, features and partition."""


def _between(settings: NetworkSettings, features: int) -> tuple[Between, int]:
    """What lies between pooling and head, and how many features leave it.

    Source:
        S4 (2023), 4.1 and 6.1.3: one dense layer of 1280 with ReLU, dropout 0.5 behind it.
    """
    layers: list[nn.Module] = []
    width = features
    for wide in settings.dense:
        layers += [nn.Linear(width, wide), nn.ReLU()]
        width = wide
    if layers:
        layers.append(nn.Dropout(settings.dropout_after))
    norm = nn.BatchNorm1d(features, affine=False) if settings.feature_norm else nn.Identity()
    return Between(norm, nn.Dropout(settings.dropout), nn.Sequential(*layers)), width
