"""Loggers of Lightning by the names that recipes use; their packages are the user's to install."""

from __future__ import annotations

from typing import Any

import lightning.pytorch.loggers as lightning_loggers

from graticule.config import require
from graticule.errors import TrainingError
from graticule.training.recipe import PretrainingRecipe, Recipe
from graticule.training.run_folder import RunFolder


def create_loggers(recipe: Recipe | PretrainingRecipe, run: RunFolder) -> tuple[Any, ...]:
    """The loggers of a recipe, with the recipe as their hyperparameters.

    Convention:
        - ``tensorboard`` and ``mlflow`` write into the run's folder ``loggers``; ``wandb`` goes where its
          own settings say

    Raises:
        MissingPackageError: a logger's package is not installed.
        TrainingError: the logger cannot be started.
    """
    project = recipe.card.name if isinstance(recipe, Recipe) else "graticule-pretraining"
    loggers = []
    for name in recipe.loggers:
        require(name)
        try:
            logger = _create(name, run, project)
            logger.log_hyperparams(recipe.model_dump(mode="json"))
        except Exception as error:  # whatever a logger of others raises, the run has not begun
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise TrainingError(
                f"The logger '{name}' cannot be started: {why}.\nTrain without it:  --set loggers=[]"
            ) from error
        loggers.append(logger)
    return tuple(loggers)


def _create(name: str, run: RunFolder, project: str) -> Any:
    folder = run.path / "loggers"
    if name == "tensorboard":
        return lightning_loggers.TensorBoardLogger(folder, name="tensorboard", version=run.path.name)
    if name == "mlflow":
        return lightning_loggers.MLFlowLogger(
            experiment_name=project, run_name=run.path.name, tracking_uri=f"sqlite:///{folder / 'mlflow.db'}"
        )
    return lightning_loggers.WandbLogger(name=run.path.name, save_dir=folder, project=project)
