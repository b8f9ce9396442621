"""The bills of the demo's buildings, as the files their suppliers give out: each with its own columns, encoding and reading day.

Amounts are what passed the virtual meter between two readings; prices are the simulator's own, near those of 2026.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import msgspec

from dure.core.time import to_us
from dure.services.buildings.simulating.virtual_buildings import HOUR_US, Climate, VirtualMeter, flows, uses
from dure.services.buildings.simulating.virtual_registers import hourly

MISSING_N = 2  # so many of the last bills have not come
OIL = ("kerosene", "diesel", "lpg", "fuel_oil_bc")
READ_ON: Mapping[str, int] = {"electricity": 1, "heat": 1, "city_gas": 15, "water": 20}
WON: Mapping[str, tuple[int, float]] = {
    "electricity": (620_000, 0.148),
    "heat": (210_000, 0.1),
    "city_gas": (90_000, 0.0218),
    "water": (30_000, 1.9),
    "kerosene": (0, 1_340.0),
    "diesel": (0, 1_580.0),
    "lpg": (0, 2.2),
    "fuel_oil_bc": (0, 1_050.0),
}  # a month's standing charge, and won per book unit


class BillRow(msgspec.Struct, frozen=True, kw_only=True):
    """A bill: the days ``[start, end)``, what passed [book unit], what it costs."""

    meter: VirtualMeter
    start: date
    end: date
    amount: int
    won: int


def bills_of(seed: int, one: VirtualMeter, climate: Climate, today: date, months: int) -> list[BillRow]:
    """Bills of the last months whose end has come, oldest first; the last ones have not come where that is the fault."""
    fixed, price = WON[one.meter.fuel]
    read_on = READ_ON.get(one.meter.fuel, 1)
    days = [_month_before(today, back).replace(day=read_on) for back in range(months, -1, -1)]
    spans = [(start, end) for start, end in pairwise(days) if end <= today]
    if one.fault == "missing_bill":
        spans = spans[:-MISSING_N]
    found = []
    for start, end in spans:
        first, last = _hour(start, one), _hour(end, one)
        passed = flows if one.meter.fuel in OIL else uses  # a tank is not read by the hour: a small stove burns less than 1 L
        amount = round(passed(seed, one, first, last - first, hourly(one, climate, first, last - first)).sum())
        won = round((fixed * min(1.0, one.building.area_m2 / 5_000) + price * amount) / 10) * 10
        found.append(BillRow(meter=one, start=start, end=end, amount=amount, won=won))
    return found


def _hour(day: date, one: VirtualMeter) -> int:
    return to_us(datetime.combine(day, time(0), one.zone).astimezone(UTC)) // HOUR_US


def _month_before(day: date, back: int) -> date:
    number = day.year * 12 + day.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _last(row: BillRow) -> date:
    return row.end - timedelta(days=1)


# File name -> (encoding, headings, cells of a row). The importer knows the columns by their headings.
Cells = Callable[[BillRow], Sequence[object]]
FORMS: Mapping[str, tuple[str, Sequence[str], Cells]] = {
    "electricity": (
        "cp949",
        ("고객번호", "사용기간", "사용전력량(kWh)", "청구금액(원)"),
        lambda row: (
            row.meter.meter.number,
            f"{row.start:%Y.%m.%d}~{_last(row):%Y.%m.%d}",
            f"{row.amount / 1_000:,.3f}",
            f"{row.won:,}",
        ),
    ),
    "city_gas": (
        "utf-8-sig",
        ("사용요금", "시작일", "종료일", "사용열량(MJ)", "계량기번호"),
        lambda row: (row.won, row.start, row.end, f"{row.amount / 1_000:.3f}", row.meter.meter.number),
    ),
    "heat": (
        "utf-8-sig",
        ("계량기번호", "사용월", "사용열량", "단위", "금액"),
        lambda row: (row.meter.meter.number, f"{row.start:%Y-%m}", f"{row.amount / 1_000_000:.6f}", "MWh", row.won),
    ),
    "water": (
        "cp949",
        ("계기번호", "사용기간", "사용량(㎥)", "납부금액"),
        lambda row: (row.meter.meter.number, f"{row.start} ~ {_last(row)}", f"{row.amount / 1_000:.3f}", row.won),
    ),
    "oil": (
        "utf-8-sig",
        ("계량기", "에너지원", "시작일", "종료일", "사용량", "단위", "금액"),
        lambda row: (
            row.meter.meter.number,
            row.meter.meter.fuel,
            row.start,
            row.end,
            f"{row.amount / (1_000 if row.meter.meter.fuel == 'lpg' else 1):.3f}",
            "kg" if row.meter.meter.fuel == "lpg" else "L",
            row.won,
        ),
    ),
}


def form_of(row: BillRow) -> str:
    """Whose file a bill stands in."""
    return "oil" if row.meter.meter.fuel in OIL else row.meter.meter.fuel


def files_of(rows: Sequence[BillRow]) -> dict[str, bytes]:
    """The suppliers' files by name, the bills in the order they came."""
    found: dict[str, bytes] = {}
    for form, (encoding, headings, cells) in FORMS.items():
        own = [row for row in rows if form_of(row) == form]
        if own:
            out = io.StringIO(newline="")
            writer = csv.writer(out)
            writer.writerow(headings)
            writer.writerows(cells(row) for row in sorted(own, key=lambda row: (row.end, row.meter.meter.id)))
            found[f"{form}.csv"] = out.getvalue().encode(encoding)
    return found
