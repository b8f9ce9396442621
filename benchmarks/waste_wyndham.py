"""Wyndham's fill levels as a history of the belief: read from the shared data, duplicates merged on purpose."""

from __future__ import annotations

import csv
import gzip
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dure.core.time import to_us
from dure.services.waste.belief.history import History, history_of

DATA = Path(__file__).parents[2] / "shared" / "data" / "waste"
OFFSET_S = 36_000  # Victoria, without its summer time: readings have no hour
HOLD_US = to_us(datetime(2020, 3, 3, tzinfo=UTC) - timedelta(seconds=OFFSET_S))  # the last 14 months begin here


def read_history() -> History:
    """Every row of the file; a date stands for its noon."""
    with gzip.open(DATA / "wyndham_fill_daily.csv.gz") as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
    found = [(row["serial"], noon_us(row["date"]), int(row["fullness"]) / 10, False) for row in rows]
    return history_of(found, {row[0]: "street" for row in found}, OFFSET_S)


def read_suburbs() -> dict[str, str]:
    """The suburb of each bin."""
    with (DATA / "wyndham_bins.csv").open(encoding="utf-8") as file:
        return {row["serial"]: row["suburb"] for row in csv.DictReader(file)}


def noon_us(date: str) -> int:
    return to_us(datetime.fromisoformat(date).replace(hour=12, tzinfo=UTC) - timedelta(seconds=OFFSET_S))
