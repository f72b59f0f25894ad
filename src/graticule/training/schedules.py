"""When in a phase steps are taken and validations made, and at which rate: functions of how far it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from graticule.training.recipe import PhaseSection


@dataclass(frozen=True)
class Timetable:
    """The batches of a phase, counted from 0 over all its epochs.

    Convention:
        - ``per_epoch``: batches in an epoch; ``total``: batches in the phase
        - ``accumulate``: so many batches make a step; the last step may have fewer
        - ``every_steps``: validations come every so many steps, or after each epoch when None

    Example:
        >>> table = Timetable(per_epoch=5, total=10, accumulate=2, every_steps=None)
        >>> table.round_ends, table.steps
        ((6, 10), 5)
    """

    per_epoch: int
    total: int
    accumulate: int = 1
    every_steps: int | None = None

    @classmethod
    def of(
        cls, phase: PhaseSection, *, per_epoch: int, accumulate: int, every_steps: int | None
    ) -> Timetable:
        """The timetable of a phase of a recipe."""
        total = phase.epochs * per_epoch if phase.epochs is not None else (phase.steps or 1) * accumulate
        return cls(per_epoch, total, accumulate, every_steps)

    @property
    def steps(self) -> int:
        """Steps of the optimiser in the phase."""
        return -(-self.total // self.accumulate)

    @property
    def epochs(self) -> float:
        """How many epochs the phase lasts."""
        return self.total / self.per_epoch

    @property
    def round_ends(self) -> tuple[int, ...]:
        """The numbers of batches after which a validation comes; always after a step."""
        if self.every_steps is None:
            whole = range(self.per_epoch, self.total, self.per_epoch)
            ends = [-(-end // self.accumulate) * self.accumulate for end in whole]
        else:
            ends = list(
                range(self.every_steps * self.accumulate, self.total, self.every_steps * self.accumulate)
            )
        return tuple(dict.fromkeys([*(min(end, self.total) for end in ends), self.total]))

    def round_after(self, batch: int) -> tuple[int, int]:
        """The round in which batch number ``batch`` lies: its first batch and the one after its last."""
        ends = self.round_ends
        stop = next(end for end in ends if end > batch)
        return max((end for end in ends if end <= batch), default=0), stop

    def step_is_over(self, done: int) -> bool:
        """Whether a step is taken when ``done`` batches are done."""
        return done % self.accumulate == 0 or done == self.total

    def epoch_of(self, done: int) -> int:
        """The number, from 1, of the epoch that a validation after ``done`` batches belongs to."""
        return max(1, -(-(done - self.accumulate + 1) // self.per_epoch))

    def rounds_left(self, batch: int) -> int:
        """How many validations are still to come when ``batch`` batches are done."""
        return sum(end > batch for end in self.round_ends)


def rate_factor(phase: PhaseSection, epochs_done: float, length: float) -> float:
    """The share of the phase's learning rate at the step after which ``epochs_done`` of ``length`` are done.

    Convention:
        - epochs may be fractions; of ``plateau`` this is the warm-up alone: the rest depends on the losses

    Source:
        Cosine: I. Loshchilov, F. Hutter, "SGDR" (2017), without restarts; linear warm-up before it.

    Example:
        >>> phase = PhaseSection(name="all", epochs=10, learning_rate=0.1, schedule="cosine")
        >>> [round(rate_factor(phase, epochs, 10), 3) for epochs in (0, 5, 10)]
        [1.0, 0.5, 0.0]
    """
    if epochs_done < phase.warmup_epochs:
        return epochs_done / phase.warmup_epochs
    if phase.schedule in ("constant", "plateau"):
        return 1.0
    if phase.schedule == "step":  # the step that ends a period still belongs to it
        return phase.step_factor ** max(0, math.ceil(epochs_done / phase.step_epochs - 1e-9) - 1)
    progress = min(1.0, (epochs_done - phase.warmup_epochs) / max(length - phase.warmup_epochs, 1e-9))
    left = 0.5 * (1 + math.cos(math.pi * progress)) if phase.schedule == "cosine" else 1 - progress
    if phase.schedule == "polynomial":
        left = left**phase.power
    return phase.final_share + (1 - phase.final_share) * left
