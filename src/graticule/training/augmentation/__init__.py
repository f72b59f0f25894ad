"""How training photos are varied: cut photo by photo while they are decoded, the rest on batches of tensors.

Every draw depends on the seed of a photo in an epoch alone, not on the batch that it comes in.
"""

from graticule.training.augmentation.batches import vary_batch
from graticule.training.augmentation.covering import Cover
from graticule.training.augmentation.cutting import cut
from graticule.training.augmentation.mixing import mix
from graticule.training.augmentation.policies import POLICIES, Policy

__all__ = ["POLICIES", "Cover", "Policy", "cut", "mix", "vary_batch"]
