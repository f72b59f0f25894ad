"""The table of an experiment: a source's numbers beside ours, with intervals over seeds. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from graticule.training.experiments.definition import Experiment
from graticule.training.experiments.layout import aligned, in_words, markdown
from graticule.training.experiments.means import LEVEL, NOTHING, Mean, mean_over_seeds
from graticule.training.experiments.measures import CHECKPOINTS, MEASURES, Kind

if TYPE_CHECKING:
    from graticule.training.experiments.running import Finding


@dataclass(frozen=True)
class Cell:
    """One number of the table.

    Convention:
        - ``published``: of the source, None where it gives none; ``ours``: the mean over seeds
        - ``against_first``: mean of the differences to the first row, seed by seed; None in the first row
    """

    published: float | None
    ours: Mean
    against_first: Mean | None


@dataclass(frozen=True)
class Table:
    """The table of an experiment, by row and heading; ``seeds`` are those of which anything is known."""

    experiment: Experiment
    cells: Mapping[str, Mapping[str, Cell]]
    findings: Sequence[Finding]

    def rows(self) -> list[list[str]]:
        """The head and the rows as words; a column of the source where it gives numbers."""
        kinds = self._kinds()
        shown = [
            (heading, is_ours)
            for heading in kinds
            for is_ours in (False, True)
            if is_ours or any(row[heading].published is not None for row in self.cells.values())
        ]
        head = [
            f"{heading}{f', {kinds[heading].unit}' if kinds[heading].unit else ''}"
            f" ({'here' if is_ours else 'source'})"
            for heading, is_ours in shown
        ]
        found = [["", *head]]
        for name, row in self.cells.items():
            words = [_cell_words(row[heading], kinds[heading], is_ours=is_ours) for heading, is_ours in shown]
            found.append([name, *words])
        return found

    def difference_rows(self) -> list[list[str]]:
        """Head and rows of the differences to the first row; ``*`` where the interval excludes 0."""
        kinds = self._kinds()
        first, *others = self.cells
        head = [f"{heading}{f', {kind.unit}' if kind.unit else ''}" for heading, kind in kinds.items()]
        found = [[f"minus '{first}'", *head]]
        for name in others:
            means = {heading: self.cells[name][heading].against_first for heading in kinds}
            words = [
                NOTHING
                if mean is None or not mean.count
                else mean.words(kinds[heading]) + (" *" if mean.excludes_zero else "")
                for heading, mean in means.items()
            ]
            found.append([name, *words])
        return found

    def notes(self) -> list[str]:
        """What a reader has to know, one sentence a line."""
        section, scale = self.experiment.section, self.experiment.scale
        at_scale = f"--scale {scale}: not the source's photos and network; compare rows, not columns. "
        lines = [
            f"Source: {self.experiment.about.source}.",
            f"Here: {at_scale if scale else ''}{self._seeds_in_words()}",
            *(f"'{row.name}': {in_words(row.changes)}" for row in self.experiment.rows if row.changes),
            *([section.remark] if section.remark else []),
        ]
        lines += [f"'{each.row}', seed {each.seed}: {each.error}" for each in self.findings if each.error]
        to_come = sum(each.measured is None and each.error is None for each in self.findings)
        return lines + ([f"{to_come} of {len(self.findings)} runs are still to come."] if to_come else [])

    def _seeds_in_words(self) -> str:
        known = [(each.seed, each.measured) for each in self.findings if each.measured]
        if not known:
            return "nothing has been run yet."
        seeds = ", ".join(str(seed) for seed in sorted({seed for seed, _ in known}))
        judged = sorted({f"{found['photos']:,} {_PHOTOS[found['split']]} photos" for _, found in known})
        mean = f"; mean ± half of the {LEVEL:.0%} interval over seeds (Student's t)"
        several = self.has_several_seeds
        return (
            f"Seed{'s' if several else ''} {seeds}{mean if several else ', so no interval'}; "
            f"{' or '.join(judged)}, the loss of validation."
        )

    def text(self) -> str:
        """The table for a terminal."""
        parts = [aligned(self.rows())]
        if self.has_several_seeds:
            parts.append(
                "Differences, seed by seed (*: the interval excludes 0)\n" + aligned(self.difference_rows())
            )
        return "\n\n".join([*parts, "\n".join(self.notes())])

    def markdown(self) -> str:
        """The table as Markdown."""
        parts = [markdown(self.rows())]
        if self.has_several_seeds:
            parts.append(
                "Differences, seed by seed (*: the interval excludes 0):\n\n"
                + markdown(self.difference_rows())
            )
        return "\n\n".join([*parts, "\n".join(f"- {line}" for line in self.notes())]) + "\n"

    @property
    def has_several_seeds(self) -> bool:
        """Whether any interval can be had."""
        return any(cell.ours.count > 1 for row in self.cells.values() for cell in row.values())

    def runs(self) -> pl.DataFrame:
        """One row per run and kept state: row, seed, checkpoint, error, and all measures."""
        schema = {
            "row": pl.String,
            "seed": pl.Int64,
            "checkpoint": pl.String,
            "split": pl.String,
            "error": pl.String,
        }
        rows = []
        for finding in self.findings:
            said = {"row": finding.row, "seed": finding.seed, "error": finding.error}
            if finding.measured is None:
                rows.append(said)
                continue
            for name in CHECKPOINTS:
                numbers = finding.measured.get(name, {})
                rows.append({**said, "checkpoint": name, "split": finding.measured["split"], **numbers})
        return pl.DataFrame(rows, schema={**schema, **dict.fromkeys(MEASURES, pl.Float64)}, strict=False)

    def to_dict(self) -> dict[str, Any]:
        """The table as plain values; shares in [0, 1]."""
        return {
            "experiment": self.experiment.about.name,
            "source": self.experiment.about.source,
            "scale": self.experiment.scale,
            "rows": {
                name: {heading: _cell_values(cell) for heading, cell in row.items()}
                for name, row in self.cells.items()
            },
            "notes": self.notes(),
            "runs": [
                {
                    "row": each.row,
                    "seed": each.seed,
                    "run": str(each.run),
                    "error": each.error,
                    "measured": each.measured,
                }
                for each in self.findings
            ],
        }

    def _kinds(self) -> dict[str, Kind]:
        columns = self.experiment.section.columns
        return {heading: MEASURES[column.measure] for heading, column in columns.items()}


_PHOTOS: Final = {"test": "test", "val": "validation"}


def build_table(experiment: Experiment, findings: Sequence[Finding]) -> Table:
    """The table of what is known so far."""
    first = experiment.rows[0].name
    values = {
        (heading, row.name): _values(experiment, findings, heading, row.name)
        for heading in experiment.section.columns
        for row in experiment.rows
    }
    cells: dict[str, dict[str, Cell]] = {}
    for row in experiment.rows:
        cells[row.name] = {}
        for heading in experiment.section.columns:
            own, base = values[heading, row.name], values[heading, first]
            pairs = [own[seed] - base[seed] for seed in own if seed in base]
            cells[row.name][heading] = Cell(
                row.published.get(heading),
                mean_over_seeds(list(own.values())),
                None if row.name == first else mean_over_seeds(pairs),
            )
    return Table(experiment, cells, findings)


def _values(experiment: Experiment, findings: Sequence[Finding], heading: str, row: str) -> dict[int, float]:
    """The numbers of a row, by seed."""
    column = experiment.section.columns[heading]
    checkpoint = experiment.checkpoint_of(column)
    found = {}
    for finding in findings:
        if finding.row == row and finding.measured is not None:
            value = finding.measured.get(checkpoint, {}).get(column.measure)
            if value is not None:
                found[finding.seed] = float(value)
    return found


def _cell_words(cell: Cell, kind: Kind, *, is_ours: bool) -> str:
    if is_ours:
        return cell.ours.words(kind)
    return NOTHING if cell.published is None else kind.words(cell.published)


def _cell_values(cell: Cell) -> dict[str, Any]:
    def plain(mean: Mean | None) -> dict[str, Any] | None:
        return (
            None if mean is None else {"mean": mean.value, "half_width": mean.half_width, "seeds": mean.count}
        )

    return {"published": cell.published, "here": plain(cell.ours), "against_first": plain(cell.against_first)}
