"""Several partitions of the same places together, from coarse to fine, and which cells lie in which.

One file holds them all. Whoever wants one partition, such as any head, reads the finest out of it; whoever
predicts at several resolutions reads the others beside it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule.errors import PartitionError, UsageError
from graticule.partitions.partition.geoparquet import REBUILD
from graticule.partitions.partition.partition import Partition

Ints = NDArray[np.int64]
Array = NDArray[np.float64]


class Overlaps(NamedTuple):
    """Which cells of another resolution the photos of each cell lie in; rows ordered by cell, largest first.

    Convention:
        - ``cell`` (M,) of the finer resolution, ``other`` (M,) of the coarser
        - ``share`` (M,) of the cell's photos that lie in ``other``; shares of a cell add up to 1, or less
          where the coarser resolution dropped some
    """

    cell: Ints
    other: Ints
    share: Array


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class MultiPartition(Partition, header_key="resolutions"):
    """The finest of several partitions, with all of them in ``resolutions``.

    Convention:
        - ``resolutions``: by name, from coarse to fine; the last one is this partition itself
        - ``shares``: one row for each pair of cells that share photos: ``finer``, ``cell``, ``coarser``,
          ``other``, ``share``, see ``overlaps``

    Example:
        >>> from graticule.partitions import build_s2
        >>> from graticule.partitions.multi import build_multi
        >>> places = [[48.86, 2.35]] * 3 + [[48.9, 2.3]] * 3 + [[39.9, 116.4]] * 3
        >>> multi = build_multi(
        ...     {"coarse": build_s2(places, max_photos=6, min_photos=1),
        ...      "fine": build_s2(places, max_photos=3, min_photos=1)}, places)
        >>> multi.count, multi.resolutions["coarse"].count
        (3, 2)
        >>> multi.containing("fine", "coarse").tolist()
        [0, 1, 1]
    """

    resolutions: Mapping[str, Partition] = dataclasses.field(default_factory=dict)
    shares: pl.DataFrame = dataclasses.field(default_factory=pl.DataFrame)

    @classmethod
    def of(cls, resolutions: Mapping[str, Partition], shares: pl.DataFrame) -> MultiPartition:
        """These partitions as one, from coarse to fine."""
        finest = list(resolutions.values())[-1]
        own = {field.name: getattr(finest, field.name) for field in dataclasses.fields(Partition)}
        return cls(**own, resolutions=dict(resolutions), shares=shares)

    @classmethod
    def of_file(cls, nodes: pl.DataFrame, header: Mapping[str, Any], label: str) -> MultiPartition:
        """The partitions in the rows of a file with several resolutions.

        Raises:
            PartitionError: the header is incomplete, or a resolution was changed after it was written.
        """
        try:
            parts = {
                name: nodes.filter(pl.col("resolution") == name).drop("resolution", "overlaps")
                for name in header["order"]
            }
            resolutions = {
                name: Partition.of_file(part, {**header, **header["resolutions"][name]}, label)
                for name, part in parts.items()
            }
        except PartitionError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise PartitionError(f"{label} is damaged: its header is incomplete.\n{REBUILD}") from error
        pairs = nodes.select(finer="resolution", cell="cell", overlaps="overlaps").explode("overlaps")
        pairs = pairs.drop_nulls().with_columns(
            pl.col("overlaps").struct.rename_fields(["coarser", "other", "share"])
        )
        return cls.of(
            resolutions, pairs.unnest("overlaps").select("finer", "cell", "coarser", "other", "share")
        )

    def encode_each(self, latlon: ArrayLike) -> Ints:
        """Cell of each place at each resolution.

        Convention:
            - ``latlon`` is (latitude, longitude) in **degrees**, shape ``(..., 2)``
            - the result has shape ``(..., R)``, from coarse to fine; -1 where no cell covers the place
        """
        return np.stack([each.encode(latlon) for each in self.resolutions.values()], axis=-1)

    def overlaps(self, finer: str, coarser: str) -> Overlaps:
        """The cells of ``coarser`` that the photos of the cells of ``finer`` lie in, with their shares.

        Where cells nest, as those of ``s2`` do, every cell has one row, with share 1.

        Raises:
            UsageError: there are no such resolutions, or not in this order.
        """
        names = list(self.resolutions)
        if finer not in names or coarser not in names or names.index(finer) <= names.index(coarser):
            raise UsageError(
                f"Resolution '{finer}' is not finer than '{coarser}' (from coarse to fine: "
                f"{', '.join(names)}).\nName two of them, the finer first."
            )
        mine = self.shares.filter((pl.col("finer") == finer) & (pl.col("coarser") == coarser))
        mine = mine.sort("cell", "share", descending=[False, True])
        return Overlaps(*(mine[name].to_numpy() for name in ("cell", "other", "share")))

    def containing(self, finer: str, coarser: str) -> Ints:
        """For each cell (K,) of ``finer`` the cell of ``coarser`` with most of its photos; -1 for none.

        Raises:
            UsageError: as ``overlaps``.
        """
        found = np.full(self.resolutions[finer].count if finer in self.resolutions else 0, -1)
        cell, other, _ = self.overlaps(finer, coarser)
        found[cell[::-1]] = other[::-1]  # the largest share is written last
        return found

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the names and fingerprints of all resolutions."""
        digest = hashlib.sha256()
        for name, each in self.resolutions.items():
            digest.update(f"{name} {each.fingerprint}\n".encode())
        return digest.hexdigest()

    @cached_property
    def nodes(self) -> pl.DataFrame:
        """The nodes of the finest resolution, as of any partition."""
        return self.finest.nodes

    @property
    def finest(self) -> Partition:
        """The finest resolution as a partition of its own."""
        return list(self.resolutions.values())[-1]

    def _header(self) -> dict[str, Any]:
        resolutions = {
            name: {key: header[key] for key in ("parameters", "source", "fingerprint")}
            for name, header in ((name, each._header()) for name, each in self.resolutions.items())
        }
        return {**super()._header(), "resolutions": resolutions, "order": list(resolutions)}

    def _rows(self) -> pl.DataFrame:
        """The nodes of all resolutions, with the columns ``resolution`` and ``overlaps``."""
        pairs = self.shares.group_by("finer", "cell", maintain_order=True).agg(
            pl.struct(pl.col("coarser").alias("resolution"), pl.col("other").alias("cell"), "share").alias(
                "overlaps"
            )
        )
        tables = []
        for name, each in self.resolutions.items():
            mine = pairs.filter(pl.col("finer") == name).select("cell", "overlaps")
            tables.append(
                each.nodes.with_columns(resolution=pl.lit(name)).join(
                    mine, on="cell", how="left", maintain_order="left"
                )
            )
        return pl.concat(tables)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {each.count}" for name, each in self.resolutions.items())
        return f"MultiPartition(method={self.method!r}, cells: {counts})"
