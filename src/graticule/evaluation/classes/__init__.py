"""Somebody's class labels against the true ones: anybody's classifier, judged like ours."""

from graticule.evaluation.classes.judgement import ClassEvaluation, evaluate_classes
from graticule.evaluation.classes.tables import ClassTable, read_classes

__all__ = ["ClassEvaluation", "ClassTable", "evaluate_classes", "read_classes"]
