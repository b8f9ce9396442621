"""Quality control of a file, without a city that runs: the flags of every row by each of the six tests."""

from __future__ import annotations

import csv
import math
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dure.core.errors import InputError
from dure.core.observations import Check, Flag
from dure.core.time import day_of, parse_instant, to_us
from dure.engines.clock import SystemClock
from dure.protocols.tables import Table, read_table
from dure.running.parts import SERVICES, properties_of
from dure.services.environment.checks.quality import TESTS, compiled_kernel, qualify_series
from dure.services.environment.checks.quality_rules import quality_rules, with_ranges

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dure.city import City
    from dure.core.properties import Property
    from dure.services.environment.checks.quality import Limits, Qualified

ZONE = "Asia/Seoul"  # of times without an offset, where no city is named
TIMES = ("time", "timestamp", "datetime", "date_time", "phenomenon_time", "시각", "일시", "측정일시", "측정시각")
VALUES = ("value", "값", "측정값")
NO_VALUE = frozenset({"", "-", "na", "n/a", "nan", "null", "none"})


class Asked(msgspec.Struct, frozen=True):
    """A property, and the columns of the file; an empty one is found by its usual names."""

    property: str
    time: str = ""
    value: str = ""


class Judged(msgspec.Struct, frozen=True, eq=False):
    """A file's rows and their flags, in order of the file. `seconds` went into the six tests alone."""

    time: list[str]
    value: list[str]
    time_us: NDArray[np.int64]
    qualified: Qualified
    seconds: float

    def counts(self) -> dict[str, dict[int, int]]:
        """Test -> flag -> rows."""
        columns = [*self.qualified.tests.T, self.qualified.flag]
        return {
            name: {int(flag): int((column == flag).sum()) for flag in Flag}
            for name, column in zip((*TESTS, "all"), columns, strict=True)
        }


def judge_file(file: Path, asked: Asked, city: City | None) -> Judged:
    """The flags of every row. Rows may stand in any order; of two at one instant the second is judged by itself only.

    Raises
    ------
    InputError : ``property.unknown``, ``qc.column``, ``reading.value_not_a_number``, ``time.unreadable``, ``table.…``
    """
    known, limits = _limits(asked.property, city)
    rows, times, values = _columns(read_table(file.read_bytes()), asked, known)
    zone = city.zone if city else ZoneInfo(ZONE)
    time_us = np.array([_time_us(row, text, zone) for row, text in zip(rows, times, strict=True)], np.int64)
    value = np.array([_number(row, text) for row, text in zip(rows, values, strict=True)], np.float64)
    order = np.argsort(time_us, kind="stable")
    kernel = compiled_kernel()
    began = time.perf_counter()
    found = qualify_series(time_us[order], value[order], limits, kernel=kernel)
    seconds = time.perf_counter() - began
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    in_order = type(found)(found.tests[back], found.flag[back], found.check[back], found.statistic[back])
    return Judged(times, values, time_us, in_order, seconds)


def _limits(property_id: str, city: City | None) -> tuple[Property, Limits]:
    now = SystemClock().now()
    zone = city.zone if city else ZoneInfo(ZONE)
    if city is not None:
        known = properties_of(city)[property_id]
    else:
        found = {one.id: one for service in SERVICES for one in service.properties()}.get(property_id)
        if found is None:
            raise InputError("property.unknown", f"The property {property_id[:80]!r} is not known.")
        known = found
    offset = now.astimezone(zone).utcoffset()
    rules = quality_rules(
        day_of(now, zone), city.folder if city else None, utc_offset_s=int(offset.total_seconds()) if offset else 0
    )
    if property_id not in rules.limits:
        raise InputError("property.unknown", f"{property_id[:80]!r} has no limits in rules/quality.toml: nothing tests it.")
    return known, with_ranges(rules.limits[property_id], known)


def _columns(table: Table, asked: Asked, known: Property) -> tuple[list[int], list[str], list[str]]:
    at = _column(table, asked.time, TIMES, "--time")
    of_value = _column(table, asked.value, (*VALUES, known.id, known.name.ko, known.name.en), "--value")
    rows, times, values = [], [], []
    for number, cells in table.rows():
        if len(cells) <= max(at, of_value):
            raise InputError(
                "table.row_width", f"Row {number} has {len(cells)} cells, the header {len(table.header)}.", row=number
            )
        rows.append(number)
        times.append(cells[at].strip())
        values.append(cells[of_value].strip())
    return rows, times, values


def _column(table: Table, named: str, usual: tuple[str, ...], option: str) -> int:
    if named:
        found = [number for number, name in enumerate(table.header) if name == named]
    else:
        found = [number for number, name in enumerate(table.header) if name.lower() in {one.lower() for one in usual}]
    if len(found) != 1:
        raise InputError("qc.column", f"Say with {option} which column is meant. The file has {', '.join(table.header)[:200]}.")
    return found[0]


def _time_us(row: int, text: str, zone: ZoneInfo) -> int:
    try:
        return to_us(parse_instant(text, zone))
    except InputError as error:
        raise InputError(error.code, f"Row {row}: {error.message}", row=row) from None


def _number(row: int, text: str) -> float:
    if text.lower() in NO_VALUE:
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise InputError("reading.value_not_a_number", f"Row {row}: {text[:40]!r} is no number.", row=row) from None


def write_flags(judged: Judged, target: Path) -> None:
    """The rows of the file with a flag for each test, their aggregate and the check that decided it, for Excel too."""
    names = {int(one): "" if one is Check.NONE else one.name.lower() for one in Check}
    checks = [names[code] for code in judged.qualified.check.tolist()]
    columns = zip(
        judged.time, judged.value, *judged.qualified.tests.T.tolist(), judged.qualified.flag.tolist(), checks, strict=True
    )
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("time", "value", *TESTS, "flag", "check"))
        writer.writerows(columns)
