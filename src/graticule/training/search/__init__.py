"""Hyperparameter search: which fields of a recipe are tried, and the study that tries them. Needs Optuna."""
