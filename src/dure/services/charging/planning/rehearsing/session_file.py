"""Stays from a file of charging sessions: a CSV with arrival, departure and energy; each row that cannot be used says why."""

from __future__ import annotations

import csv
from datetime import datetime
from io import StringIO
from typing import NamedTuple

from dure.core.observations import Rejected
from dure.services.charging.planning.stays import DAY_S, MICRO, Stay

ROWS_MAX = 200_000
KWH_MAX = 1_000.0
STAY_S_MAX = 7 * DAY_S
NEEDED = ("arrival", "departure", "energy_kwh")


class Read(NamedTuple):
    """What a file held."""

    stays: list[Stay]
    rejected: list[Rejected]


def read_sessions(text: str) -> Read:
    """Stays of a file's rows; an instant without offset, or a row that no vehicle can have done, is refused."""
    rows = csv.DictReader(StringIO(text))
    missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        return Read([], [Rejected(0, "charging.study_columns", f"The file has no column {', '.join(missing)}.")])
    stays: list[Stay] = []
    rejected: list[Rejected] = []
    for row, one in enumerate(rows, start=1):
        if row > ROWS_MAX:
            rejected.append(Rejected(row, "charging.study_rows", f"Only the first {ROWS_MAX} rows are read."))
            break
        found = _stay(one)
        if isinstance(found, Stay):
            stays.append(found)
        else:
            rejected.append(Rejected(row, "charging.study_row", found))
    return Read(stays, rejected)


def _stay(row: dict[str, str]) -> Stay | str:
    try:
        begin, end = (datetime.fromisoformat(row[name]) for name in NEEDED[:2])
        energy = float(row["energy_kwh"])
        most = float(row.get("max_power_kw") or 0.0)
    except (TypeError, ValueError):
        return "A time or a number cannot be read."
    if begin.tzinfo is None or end.tzinfo is None:
        return "A time has no offset from UTC."
    stay_s = (end - begin).total_seconds()
    if not 0 < stay_s <= STAY_S_MAX:
        return "It leaves before it comes, or stays longer than a week."
    if not (0 < energy <= KWH_MAX and 0 <= most <= KWH_MAX):
        return "The energy or the power is outside what a vehicle takes."
    return Stay(round(begin.timestamp() * MICRO), round(end.timestamp() * MICRO), energy * 1_000, most * 1_000)
