"""Revised flags in ClickHouse: a mutation of the rows meant, waited for.

A mutation rewrites two columns of the parts that hold such a row, so it is narrowed to the partition (a month). It may be
done again: after a kill the bus sends the revisions anew, for the cursor is written last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import SeriesKey
from dure.engines.telemetry.columns import DAY_US
from dure.engines.telemetry.pending import Pending

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client
    from numpy.typing import NDArray

    from dure.engines.telemetry.clickhouse_tables import Address

ROWS_PER_MUTATION = 2_000  # their names travel in the address of one request, which ends at 1 MB


def touched_days(keys: Sequence[SeriesKey], revised: Pending) -> list[tuple[str, int]]:
    """(property, day since 1970) of the rows meant."""
    day = revised.time_us // DAY_US
    pairs = np.unique(np.stack([revised.series.astype(np.int64), day]), axis=1)
    return sorted({(keys[series][1], one) for series, one in pairs.T.tolist()})


def revise(client: Client, address: Address, keys: Sequence[SeriesKey], revised: Pending) -> None:
    """Give kept rows their new flags; returns when every replica has."""
    for month, rows in _alike(revised):
        chosen = [keys[one] for one in revised.series[rows].tolist()]
        time_us = revised.time_us[rows]
        client.command(
            f"ALTER TABLE observations{address.suffix}{address.on_cluster} UPDATE flag = {int(revised.flag[rows[0]])},"
            f" chk = {int(revised.check[rows[0]])} IN PARTITION {month} WHERE property IN {{names:Array(String)}}"
            " AND time_us >= {first:Int64} AND time_us <= {last:Int64}"
            " AND (property, asset, time_us) IN arrayZip({p:Array(String)}, {a:Array(String)}, {t:Array(Int64)})",
            parameters={
                "names": sorted({property_id for _, property_id in chosen}),
                "p": [property_id for _, property_id in chosen],
                "a": [asset for asset, _ in chosen],
                "t": time_us.tolist(),
                "first": int(time_us.min()),
                "last": int(time_us.max()),
            },
            settings={"mutations_sync": 2},
        )


def _alike(revised: Pending) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Partition (YYYYMM), and rows in it that get the same flag and check, a limited number at a time."""
    months = revised.time_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    kind = (months << 16) + (revised.flag.astype(np.int64) << 8) + revised.check
    for one in np.unique(kind).tolist():
        rows = np.flatnonzero(kind == one)
        month = one >> 16
        for at in range(0, len(rows), ROWS_PER_MUTATION):
            yield (1970 + month // 12) * 100 + month % 12 + 1, rows[at : at + ROWS_PER_MUTATION]
