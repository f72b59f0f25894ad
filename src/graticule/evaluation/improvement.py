"""How many times better than chance: the Improvement over Random of classification, with three chances.

The thesis that defines it (S4) divides by 1 / K, the share of right answers of a guess among K classes that
are all as likely, and names two chances as further work: always the largest class, and the Gini index, a
guess that draws each class as often as it occurs. With uneven classes the three differ by far.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike


def chances(training_photos: ArrayLike, test_photos: ArrayLike | None = None) -> dict[str, float]:
    """The expected accuracy of three guesses that know nothing of the photo.

    Convention:
        - ``training_photos``: photos of each of K classes that the guesses may know, shape (K,)
        - ``test_photos``: photos of each class that are to be guessed, shape (K,); as in training when
          left out
        - ``uniform``: each class as often; ``largest``: always the class with the most training photos;
          ``gini``: each class as often as in training, right for the sum of the squared shares (1 minus the
          Gini index) when the test has the shares of the training

    Example:
        >>> chances([3, 1])
        {'uniform': 0.5, 'largest': 0.75, 'gini': 0.625}
    """
    known = np.asarray(training_photos, dtype=np.float64)
    asked = known if test_photos is None else np.asarray(test_photos, dtype=np.float64)
    if not known.sum() or not asked.sum():
        return dict.fromkeys(("uniform", "largest", "gini"), float("nan"))
    shares, test_shares = known / known.sum(), asked / asked.sum()
    return {
        "uniform": 1 / len(known),
        "largest": float(test_shares[int(np.argmax(known))]),
        "gini": float(shares @ test_shares),
    }


def improvement_over_random(accuracy: float, chance: float) -> float:
    """How many times the accuracy is that of chance; NaN where chance is never right.

    Source:
        L. Loria, "Hierarchical classification model for content-based geolocation of outdoor images with
        visual explanations", Politecnico di Milano (2021), equation 6.3.

    Example:
        >>> improvement_over_random(0.3, 0.01)
        30.0
    """
    return accuracy / chance if chance else float("nan")


def improvements(
    accuracy: float, training_photos: ArrayLike, test_photos: ArrayLike | None = None
) -> dict[str, Any]:
    """What ``metrics.json`` says: the three chances, and the accuracy as a multiple of each."""
    by_chance = chances(training_photos, test_photos)
    return {
        "classes": len(np.asarray(training_photos)),
        "accuracy": accuracy,
        "chance": by_chance,
        "improvement": {
            name: improvement_over_random(accuracy, chance) for name, chance in by_chance.items()
        },
    }
