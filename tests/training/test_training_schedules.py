"""When steps and validations come, and at which rate."""

from __future__ import annotations

import pytest

from graticule.training.recipe import PhaseSection
from graticule.training.schedules import Timetable, rate_factor


def phase(**changes: object) -> PhaseSection:
    return PhaseSection.model_validate({"name": "p", "epochs": 10, "learning_rate": 0.1, **changes})


def test_warm_up_rises_in_a_line_then_the_cosine_falls() -> None:
    part = phase(warmup_epochs=2)
    assert [rate_factor(part, done, 10) for done in (0, 1, 2)] == pytest.approx([0, 0.5, 1])
    assert rate_factor(part, 6, 10) == pytest.approx(0.5)
    assert rate_factor(part, 10, 10) == pytest.approx(0, abs=1e-12)
    assert rate_factor(phase(final_share=0.2), 10, 10) == pytest.approx(0.2)
    assert rate_factor(phase(schedule="constant", warmup_epochs=2), 9, 10) == 1
    assert rate_factor(phase(schedule="plateau", warmup_epochs=2), 1, 10) == 0.5


def test_a_step_schedule_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
    part, per_epoch = phase(schedule="step", step_epochs=3, step_factor=0.5), 7
    for epoch in range(10):
        rates = {rate_factor(part, epoch + (batch + 1) / per_epoch, 10) for batch in range(per_epoch)}
        assert list(rates) == pytest.approx(reference.get_last_lr()), epoch
        optimizer.step()
        reference.step()


def test_a_polynomial_schedule_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=20, power=2.0)
    part = phase(schedule="polynomial", power=2.0)
    for step in range(1, 21):
        optimizer.step()
        reference.step()
        assert rate_factor(part, step / 2, 10) == pytest.approx(reference.get_last_lr()[0], abs=1e-12)


@pytest.mark.parametrize(
    ("table", "ends", "steps"),
    [
        (Timetable(5, 15), (5, 10, 15), 15),
        (Timetable(5, 15, every_steps=4), (4, 8, 12, 15), 15),
        (Timetable(5, 15, every_steps=99), (15,), 15),
        (Timetable(5, 10, accumulate=2), (6, 10), 5),
        (Timetable(5, 11, accumulate=4, every_steps=1), (4, 8, 11), 3),
        (Timetable(5, 3), (3,), 3),
        (Timetable(1, 2, accumulate=8), (2,), 1),
    ],
)
def test_validations_come_after_whole_steps_and_at_the_end(
    table: Timetable, ends: tuple[int, ...], steps: int
) -> None:
    assert table.round_ends == ends
    assert table.steps == steps
    assert all(table.step_is_over(end) for end in ends)
    assert sum(table.step_is_over(done) for done in range(1, table.total + 1)) == steps
    assert table.rounds_left(0) == len(ends)
    for batch in range(table.total):
        start, stop = table.round_after(batch)
        assert start <= batch < stop
        assert stop in ends


def test_a_validation_belongs_to_the_epoch_that_it_ends() -> None:
    assert [Timetable(5, 15).epoch_of(end) for end in (5, 10, 15)] == [1, 2, 3]
    assert [Timetable(5, 15, accumulate=2).epoch_of(end) for end in (6, 10, 15)] == [1, 2, 3]
    assert [Timetable(5, 15, every_steps=4).epoch_of(end) for end in (4, 8, 12)] == [1, 2, 3]


def test_a_phase_lasts_epochs_or_steps() -> None:
    long = Timetable.of(phase(), per_epoch=5, accumulate=1, every_steps=None)
    assert (long.total, long.epochs) == (50, 10)
    short = Timetable.of(phase(epochs=None, steps=4), per_epoch=5, accumulate=2, every_steps=None)
    assert (short.total, short.steps, short.epochs) == (8, 4, 1.6)
    for wrong in ({"epochs": 3, "steps": 3}, {"epochs": None}):
        with pytest.raises(ValueError, match="so many 'epochs' or so many 'steps'"):
            phase(**wrong)
