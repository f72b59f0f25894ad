"""Several partitions of the same places together, from coarse to fine, and which cells lie in which.

One file holds them all. Whoever wants one partition, such as any head, reads the finest out of it; whoever
predicts at several resolutions reads the others beside it.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from graticule.errors import PartitionError, UsageError
from graticule.partitions.geoparquet import REBUILD
from graticule.partitions.partition import Partition
from graticule.partitions.places import checked_places

Ints = NDArray[np.int64]
Array = NDArray[np.float64]

NAMES: Final = ("coarse", "middle", "fine")
"""Names of three resolutions."""

PRESETS: Final[Mapping[str, tuple[tuple[int, ...], int]]] = MappingProxyType(
    {
        # Müller-Budack et al. (2018), section 4.1: tau_max of the three, tau_min 50.
        "geoestimation": ((5000, 2000, 1000), 50),
    }
)
"""The sources' largest numbers of photos per cell, from coarse to fine, and the smallest."""


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
class MultiPartition(Partition):
    """The finest of several partitions, with all of them in ``resolutions``.

    Convention:
        - ``resolutions``: by name, from coarse to fine; the last one is this partition itself
        - ``shares``: one row for each pair of cells that share photos: ``finer``, ``cell``, ``coarser``,
          ``other``, ``share``, see ``overlaps``

    Example:
        >>> from graticule.partitions import build_s2
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


def build_multi(
    resolutions: Mapping[str, Partition], latlon: ArrayLike, weights: ArrayLike | None = None
) -> MultiPartition:
    """Partitions of the same places as one, with the shares in which their cells overlap.

    Convention:
        - ``resolutions``: at least two, by name, **from coarse to fine**, all of one method
        - ``latlon``: (N, 2) places in (latitude, longitude) **degrees** that shares are counted on;
          ``weights``: (N,) number of photos at each, 1 when left out

    Raises:
        CoordinateError, TableError: as ``build_s2``, on the places.
        UsageError: there are fewer than two, methods differ, or they are not ordered from coarse to fine.

    Source:
        E. Müller-Budack et al., "Geolocation Estimation of Photos using a Hierarchical Model and Scene
        Classification" (2018), section 3.1.
    """
    each = list(resolutions.values())
    if len(each) < 2 or len({one.method for one in each}) > 1:
        raise UsageError("Several resolutions are at least two partitions of one method.\nGive more, alike.")
    if any(before.count > after.count for before, after in pairwise(each)):
        counts = ", ".join(f"{name} {one.count:,}" for name, one in resolutions.items())
        raise UsageError(
            f"Resolutions go from coarse to fine, but their cells are {counts}.\nTurn them round."
        )
    places, photos = checked_places(latlon, weights)
    codes = {name: one.encode(places) for name, one in resolutions.items()}
    names = list(resolutions)
    tables = [
        _shares(names[fine], codes[names[fine]], names[coarse], codes[names[coarse]], photos)
        for fine in range(1, len(names))
        for coarse in range(fine)
    ]
    return _multi(resolutions, pl.concat(tables))


def _shares(finer: str, cells: Ints, coarser: str, others: Ints, photos: Ints | None) -> pl.DataFrame:
    counted = pl.DataFrame({"cell": cells, "other": others, "photos": 1 if photos is None else photos})
    pairs = counted.filter(pl.col("cell") >= 0).group_by("cell", "other").agg(pl.col("photos").sum())
    total = pl.col("photos").sum().over("cell")
    return (
        pairs.with_columns(share=pl.col("photos") / total)
        .filter((pl.col("other") >= 0) & (pl.col("photos") > 0))
        .select(finer=pl.lit(finer), cell="cell", coarser=pl.lit(coarser), other="other", share="share")
        .sort("cell", "share", "other", descending=[False, True, False])
    )


def _multi(resolutions: Mapping[str, Partition], shares: pl.DataFrame) -> MultiPartition:
    finest = list(resolutions.values())[-1]
    return MultiPartition(
        finest.tree,
        finest.method,
        finest.parameters,
        finest.source,
        finest.named_at,
        resolutions=dict(resolutions),
        shares=shares,
    )


def multi_of_file(nodes: pl.DataFrame, header: Mapping[str, Any], label: str) -> MultiPartition:
    """The partitions in the rows of a file with several resolutions.

    Raises:
        PartitionError: the header is incomplete, or a resolution was changed after it was written.
    """
    from graticule.partitions.partition import partition_of_file

    try:
        order, headers = list(header["order"]), dict(header["resolutions"])
        parts = {
            name: nodes.filter(pl.col("resolution") == name).drop("resolution", "overlaps") for name in order
        }
        resolutions = {
            name: partition_of_file(parts[name], {**header, **headers[name]}, label) for name in order
        }
    except PartitionError:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise PartitionError(f"{label} is damaged: its header is incomplete.\n{REBUILD}") from error
    pairs = (
        nodes.select(finer="resolution", cell="cell", overlaps="overlaps").explode("overlaps").drop_nulls()
    )
    pairs = pairs.with_columns(pl.col("overlaps").struct.rename_fields(["coarser", "other", "share"]))
    shares = pairs.unnest("overlaps").select("finer", "cell", "coarser", "other", "share")
    return _multi(resolutions, shares)
