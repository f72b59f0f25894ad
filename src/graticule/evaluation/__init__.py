"""How good: predictions against the truth, with intervals and with the trivial baselines beside them."""

from graticule.evaluation.answers import read_answers
from graticule.evaluation.evaluate import Evaluation, evaluate_predictions
from graticule.evaluation.protocols import PROTOCOLS, Protocol
from graticule.evaluation.training_places import TrainingPlaces
from graticule.evaluation.truth import read_truth

__all__ = [
    "PROTOCOLS",
    "Evaluation",
    "Protocol",
    "TrainingPlaces",
    "evaluate_predictions",
    "read_answers",
    "read_truth",
]
