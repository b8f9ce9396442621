"""A copy of a ClickHouse store in plain files, by ClickHouse's own Native format, and back.

The cursors are copied first and the rows last: rows that came meanwhile may be in the copy, never the other way round. What
the bus sends again after a restore is then dropped as a repeat.
"""

from __future__ import annotations

import time
from pathlib import Path

from clickhouse_connect.driver.client import Client

from dure.engines.archive.durable import settle
from dure.engines.telemetry.clickhouse_tables import address_of, answering, connect
from dure.engines.telemetry.columns import DAY_US

ORDER = ("cursors", "expiries", "days", "hourly", "daily", "revised", "series", "observations")
CHUNK_BYTES = 1 << 20


def save(client: Client, folder: str) -> None:
    """Write every table to ``<folder>/<table>.native``."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name in ORDER:
        part = target / f"{name}.part"
        with part.open("wb") as file, client.raw_stream(f"SELECT * FROM {name} FINAL", fmt="Native") as rows:  # noqa: S608
            while chunk := rows.read(CHUNK_BYTES):
                file.write(chunk)
        settle(part, target / f"{name}.native")


def restore(url: str, folder: str) -> None:
    """Fill the empty database of an address from a copy; its days are sealed anew by upkeep."""
    address = address_of(url)
    client = connect(address)
    with answering(address):
        for name in ORDER:
            file = Path(folder) / f"{name}.native"
            if file.exists() and file.stat().st_size:  # an older copy has fewer tables
                with file.open("rb") as rows:
                    client.raw_insert(name, insert_block=rows, fmt="Native")
        client.command(
            f"INSERT INTO days SELECT DISTINCT property, toInt32(intDiv(time_us, {DAY_US})), 0, {time.time_ns() // 1000}"  # noqa: S608
            " FROM observations"
        )
    client.close()
