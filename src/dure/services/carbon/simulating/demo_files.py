"""Files a visitor of the demo can bring in: a workbook of the company's fuel and travel, one of the home's water.

They hold what the demo has not taken in by itself, so that every row of them is new.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import xlsxwriter

from dure.services.carbon.households.model import MILLI
from dure.services.carbon.simulating.seeded import between
from dure.services.carbon.simulating.virtual_home import WATER, bills_of, last_months

FOLDER = "demo-files"
MONTHS = 12
# kind as people call it, site, mean of a month, unit, won for a unit
FUEL_AND_TRAVEL = (
    ("휘발유", "office", 340.0, "L", 1_640.0),
    ("국내선", "office", 2_900.0, "km", 0.0),
    ("소각", "plant", 1_900.0, "kg", 0.0),
)

Cell = str | float


def write(folder: Path, seed: int, today: date) -> Path:
    """Write both once; their folder."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    for name, body in (("activity.xlsx", activity_book(seed, today)), ("home-water.xlsx", water_book(seed, today))):
        if not (place / name).exists():
            part = place / f"{name}.part"
            part.write_bytes(body)
            part.replace(place / name)
    return place


def activity_book(seed: int, today: date) -> bytes:
    """Fuel, flights and waste of the last whole months, as a spreadsheet of the company has them."""
    rows: list[Sequence[Cell]] = [("활동", "사업장", "사용월", "사용량", "단위", "금액", "비고")]
    for month in last_months(today, MONTHS):
        for kind, site, mean, unit, price in FUEL_AND_TRAVEL:
            amount = round(mean * between(seed, f"file {kind}", 0.8, 1.2, month.place))
            rows.append((kind, site, str(month), amount, unit, round(amount * price) or "", "시연용으로 지어낸 값"))
    return _book("활동자료", rows)


def water_book(seed: int, today: date) -> bytes:
    """Water of the demo home."""
    months = last_months(today, MONTHS)
    mild = {date.fromordinal(day): 20.0 for day in range(months[0].first.toordinal(), today.toordinal())}
    bills = bills_of(seed, WATER, mild, months, today)
    rows: list[Sequence[Cell]] = [("구분", "사용월", "사용량", "단위")]
    rows += [("수도", str(month), one.milli / MILLI, "m3") for month, one in zip(months, bills, strict=True)]
    return _book("수도", rows)


def _book(name: str, rows: Iterable[Sequence[Cell]]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        sheet = book.add_worksheet(name)
        for n, row in enumerate(rows):
            sheet.write_row(n, 0, row)
    return out.getvalue()
