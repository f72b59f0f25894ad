"""The photos that a model is calibrated on: what the network says of them, and where they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from graticule.bundle.regions import continents_of_cells
from graticule.errors import TableError
from graticule.evaluation.calibration.inputs import Array, Cells, check_sums
from graticule.geo.countries import continent_of
from graticule.geo.outlines import country_of
from graticule.photos.units import joined

if TYPE_CHECKING:
    from graticule.partitions import Partition


@dataclass(frozen=True, eq=False)
class Sample:
    """N photos with what the network says of them.

    Convention:
        - ``raw``: (N, K) before calibration; ``latlon``: (N, 2) true places in degrees; ``groups``: (N,)
        - ``cells``: (N,) true cell, -1 where none covers the place; ``continents``: (N,) of the true cell,
          or of the place where no cell covers it
    """

    raw: Array
    latlon: Array
    groups: Sequence[str | None]
    cells: Cells
    continents: list[str | None]

    @classmethod
    def of(
        cls, raw: ArrayLike, latlon: ArrayLike, partition: Partition, groups: Sequence[str | None]
    ) -> Sample:
        """Photos whose cells and continents are looked up.

        Raises:
            TableError: there is no photo, or all lie in one cell.
            UsageError: a row of ``raw`` is no probabilities.
        """
        shares, places = np.asarray(raw, dtype=np.float64), np.asarray(latlon, dtype=np.float64)
        if not len(shares):
            raise TableError(
                "No photo with a place could be read, so there is nothing to calibrate on.\n"
                "Give a photo table with latitude and longitude:  graticule ingest PHOTOS -o FOLDER"
            )
        check_sums(shares)
        found = cls.located(shares, places, partition, groups)
        cells = found.cells
        if len(set(cells.tolist())) == 1:
            where = "outside all cells" if cells[0] < 0 else f"in one cell ('{partition.names[cells[0]]}')"
            raise TableError(
                f"All {len(cells)} photos lie {where}: what is calibrated on one place says nothing of "
                "others.\nGive photos from where the model is to be used."
            )
        return found

    @classmethod
    def located(
        cls, raw: ArrayLike, latlon: ArrayLike, partition: Partition, groups: Sequence[str | None]
    ) -> Sample:
        """Photos whose cells and continents are looked up, whatever they are."""
        places = np.asarray(latlon, dtype=np.float64).reshape(-1, 2)
        cells = np.asarray(partition.encode(places), dtype=np.int64)
        own = np.array([*continents_of_cells(partition), None], dtype=object)[cells]
        outside = np.flatnonzero(cells < 0)
        codes = country_of(places[outside])
        own[outside] = [continent_of(code) if code else None for code in codes]
        return cls(np.asarray(raw, dtype=np.float64), places, groups, cells, own.tolist())

    def __len__(self) -> int:
        return len(self.raw)

    @property
    def units(self) -> Cells:
        """(N,) number of each photo's group; a photo of no group is one of its own."""
        return joined([pl.Series("group", list(self.groups), dtype=pl.String)], len(self))

    def __getitem__(self, rows: np.ndarray[Any, np.dtype[np.bool_]]) -> Sample:
        kept = np.flatnonzero(rows).tolist()
        return Sample(
            self.raw[rows],
            self.latlon[rows],
            [self.groups[row] for row in kept],
            self.cells[rows],
            [self.continents[row] for row in kept],
        )
