"""What a run is made of: the sections of a recipe, one file per group of keys. Needs no torch.

A recipe is one YAML file (see ``graticule.training.recipe.files``). Every key has its default here
unless there is no sensible one.
"""

from graticule.training.recipe.augmentation import AugmentationSection
from graticule.training.recipe.compute import ComputeSection, ValidationSection
from graticule.training.recipe.evaluation import CardSection, EvaluationSection
from graticule.training.recipe.head import HeadSection
from graticule.training.recipe.loss import LossSection
from graticule.training.recipe.network import BackboneSection, NetworkSection, TransformerSection
from graticule.training.recipe.partition import PartitionSection
from graticule.training.recipe.phases import AveragingSection, EarlyStoppingSection, PhaseSection
from graticule.training.recipe.photos import PhotosSection, PriorSection, SyntheticSection
from graticule.training.recipe.pretraining import AutoencoderSection, PretrainingRecipe, ProbeSection
from graticule.training.recipe.recipe import Recipe
from graticule.training.recipe.sampling import SamplingSection
from graticule.training.recipe.section import Section

__all__ = [
    "AugmentationSection",
    "AutoencoderSection",
    "AveragingSection",
    "BackboneSection",
    "CardSection",
    "ComputeSection",
    "EarlyStoppingSection",
    "EvaluationSection",
    "HeadSection",
    "LossSection",
    "NetworkSection",
    "PartitionSection",
    "PhaseSection",
    "PhotosSection",
    "PretrainingRecipe",
    "PriorSection",
    "ProbeSection",
    "Recipe",
    "SamplingSection",
    "Section",
    "SyntheticSection",
    "TransformerSection",
    "ValidationSection",
]
