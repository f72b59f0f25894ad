"""From a recipe's section ``network`` to a network."""

from __future__ import annotations

import dataclasses

from graticule.models import (
    BackboneSettings,
    HeadSettings,
    InputSettings,
    NetworkSettings,
    PlaceNetwork,
    TransformerSettings,
    create_network,
)
from graticule.partitions import Partition
from graticule.training.recipe import BackboneSection, NetworkSection


def network_settings(section: NetworkSection) -> NetworkSettings:
    """What ``create_network`` is told for a recipe."""
    behind = section.transformer
    return NetworkSettings(
        backbone=_backbone(section.backbone),
        transformer=None if behind is None else TransformerSettings(_backbone(behind), grid=behind.grid),
        pooling=section.pooling,
        feature_norm=section.feature_norm,
        dropout=section.dropout,
        dense=section.dense,
        dropout_after=section.dropout_after,
        head=HeadSettings(**section.head.model_dump()),
        scene=section.scene,
        input=InputSettings(section.image_size_px, section.crop, section.mean, section.std),
    )


def build_network(section: NetworkSection, partition: Partition) -> PlaceNetwork:
    """The network of a recipe with its first weights.

    Raises:
        RecipeError: no such network, or an argument that it does not take.
        MissingFileError, TrainingError: the weights are not there, or not of this network.
    """
    return create_network(network_settings(section), partition)


def bare_network(section: NetworkSection, partition: Partition) -> PlaceNetwork:
    """The network of a recipe with random weights, to be filled from a checkpoint.

    Raises:
        RecipeError: no such network, or an argument that it does not take.
    """
    settings = network_settings(section)
    backbone = dataclasses.replace(settings.backbone, weights="none")
    behind = settings.transformer
    if behind is not None:
        behind = dataclasses.replace(behind, network=dataclasses.replace(behind.network, weights="none"))
    return create_network(dataclasses.replace(settings, backbone=backbone, transformer=behind), partition)


def _backbone(section: BackboneSection) -> BackboneSettings:
    return BackboneSettings(section.name, section.weights, section.kwargs, section.identity_modules)
