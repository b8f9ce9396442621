"""Bills from a CSV file or a workbook: columns in any order, headings in Korean or English, every rejected row named.

Nothing is written here and nothing is guessed: a bill without a fuel, a unit or a period is rejected, and the caller decides what
becomes of the accepted rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import date
from typing import Literal

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.quantity import UNITS, Basis, Quantity
from dure.protocols.sheets.cells import (
    CELL_CHARS_MAX,
    BadCell,
    DecimalSign,
    decimal_sign,
    read_day,
    read_month,
    read_number,
    read_span,
)
from dure.protocols.sheets.files import read_file
from dure.protocols.sheets.rows import Sheet, header_of
from dure.services.buildings.importing.columns import Fuel, field_of, heading_unit, read_fuel, read_unit

_TOTALS = ("합계", "총계", "소계", "계", "total", "sum", "subtotal")
_ESTIMATED = ("추정", "인정", "estimated", "estimate", "e", "true", "y")
_MEASURED = ("", "실측", "실검침", "검침", "원격", "원격검침", "actual", "measured", "a", "false", "n")


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What the importer knows beforehand.

    Attributes
    ----------
    burnt : calorific basis of energy billed for gas, by the supply contract; "" when it is not known
    fuel : fuel of a file that has no such column, "" for none
    unit : unit of a file that states none, "" for none
    meters : fuel of each known meter; when there are any, other meters are rejected
    """

    burnt: Basis
    fuel: Fuel | Literal[""] = ""
    unit: str = ""
    meters: Mapping[str, Fuel] = {}


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted row: what a meter used from a day to the day before another, what it cost, whether it was estimated."""

    row: int
    meter: str
    building: str
    fuel: Fuel
    start: date
    end: date
    amount: Quantity
    won: int | None = None
    estimated: bool = False


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that is not accepted: its number as the spreadsheet counts, a stable code, why, and what it says."""

    row: int
    code: str
    why: Text
    content: str = ""


class Bills(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held. `columns` are its headings and the field each stands for, "" where none."""

    accepted: tuple[Bill, ...]
    rejected: tuple[RefusedRow, ...]
    columns: dict[str, str]
    encoding: str
    decimal_sign: DecimalSign


class _Reader(msgspec.Struct, frozen=True):
    ground: Ground
    sheet: Sheet
    sign: DecimalSign
    won_sign: DecimalSign
    unit: str  # of the heading

    def row(self, number: int, cells: Mapping[str, str]) -> Bill:
        """A bill of the cells by field; raises `BadCell`."""
        _refuse_total(cells)
        meter, building = cells.get("meter", ""), cells.get("building", "")
        if not meter and not building:
            raise _empty("계량기나 건물", "the meter or building")
        if self.ground.meters and meter not in self.ground.meters:
            words = Text(f"{meter[:40]!r}: 등록되지 않은 계량기입니다.", f"{meter[:40]!r} is no meter we know. Enter it first.")
            raise BadCell("bill.meter_unknown", words)
        fuel = self._fuel(meter, cells.get("fuel", ""))
        start, end = self._period(cells)
        won = cells.get("won", "")
        return Bill(
            row=number,
            meter=meter or building,
            building=building,
            fuel=fuel,
            start=start,
            end=end,
            amount=self._amount(fuel, cells),
            won=round(read_number(won.removesuffix("원"), self.won_sign)) if won else None,
            estimated=_estimated(cells.get("reading", "")),
        )

    def _fuel(self, meter: str, text: str) -> Fuel:
        known = self.ground.meters.get(meter)
        stated = read_fuel(text) if text else None
        if known and stated and known != stated:
            words = Text(f"계량기 {meter}의 에너지원은 {known}입니다.", f"The meter {meter} counts {known}, not {stated}.")
            raise BadCell("bill.fuel_differs", words)
        fuel = stated or known or self.ground.fuel
        if not fuel:
            raise _empty("에너지원", "the fuel")
        return fuel

    def _amount(self, fuel: Fuel, cells: Mapping[str, str]) -> Quantity:
        text = cells.get("amount", "")
        if not text:
            raise _empty("사용량", "the amount")
        unit = cells.get("unit", "") or self.unit or self.ground.unit
        if not unit:
            raise _empty("단위", "the unit")
        unit = read_unit(unit, fuel)
        value = read_number(text, self.sign)
        if value < 0:
            words = Text(f"{text[:40]!r}: 사용량은 0보다 작을 수 없습니다.", f"{text[:40]!r}: what was used cannot be below 0.")
            raise BadCell("bill.negative", words)
        burnt = fuel == "city_gas" and UNITS[unit].dimension == "energy"
        return Quantity(value, unit, self.ground.burnt if burnt else "")

    def _period(self, cells: Mapping[str, str]) -> tuple[date, date]:
        zero = self.sheet.serial_zero
        if cells.get("span"):
            start, end = read_span(cells["span"], zero)
        elif cells.get("start") and cells.get("end"):
            start, end = read_day(cells["start"], zero), read_day(cells["end"], zero)
        elif cells.get("month"):
            start, end = read_month(cells["month"], zero)
        else:
            raise _empty("기간(시작일과 종료일, 또는 사용월)", "the period (start and end, or the month)")
        if end <= start:
            words = Text(f"{start}부터 {end}까지: 끝이 시작보다 앞섭니다.", f"From {start} to {end}: it ends before it begins.")
            raise BadCell("bill.period_reversed", words)
        return start, end


def read_bills(body: bytes, ground: Ground, sheet: str = "") -> Bills:
    """The bills of a CSV file (UTF-8, UTF-16, CP949) or a workbook (XLSX); titles may stand above the headings.

    A bill with `start` and `end` ends the day before `end`, as a meter is read on both; a span with ``~`` counts both its days.

    Raises
    ------
    InputError : nothing of the file can be used (``table.…``, ``sheet.…``, ``workbook.…``, ``bill.no_columns``, ``bill.empty``)
    """
    held = read_file(body, sheet)
    place, fields = header_of(held, field_of, frozenset({"amount"}))
    heading = held.rows[place][1]
    below = held.rows[place + 1 :]
    if not below:
        raise InputError("bill.empty", "The file holds headings but no row below them.")
    by_field = {field: column for column, field in fields.items()}
    reader = _Reader(
        ground, held, _sign(below, by_field.get("amount")), _sign(below, by_field.get("won")), _unit(heading, by_field)
    )
    accepted: list[Bill] = []
    rejected: list[RefusedRow] = []
    for number, cells in below:
        try:
            if len(cells) > len(heading):
                raise _too_wide(len(cells), len(heading))
            accepted.append(reader.row(number, {fields[n]: cell for n, cell in enumerate(cells) if n in fields}))
        except BadCell as bad:
            rejected.append(RefusedRow(number, bad.code, bad.why, ", ".join(filter(None, cells))[:CELL_CHARS_MAX]))
    kept, doubled = _apart(accepted)
    return Bills(
        accepted=tuple(kept),
        rejected=tuple(sorted([*rejected, *doubled], key=lambda one: one.row)),
        columns={cell: fields.get(n, "") for n, cell in enumerate(heading)},
        encoding=held.encoding,
        decimal_sign=reader.sign,
    )


def _sign(rows: tuple[tuple[int, tuple[str, ...]], ...], column: int | None) -> DecimalSign:
    if column is None:
        return "."
    return decimal_sign(cells[column] for _, cells in rows if column < len(cells))


def _unit(heading: tuple[str, ...], by_field: Mapping[str, int]) -> str:
    """The unit the heading of the amount states: 사용량(kWh), or simply kWh."""
    text = heading[by_field["amount"]]
    return heading_unit(text) or heading_unit(f"({text})")


def _apart(bills: list[Bill]) -> tuple[list[Bill], list[RefusedRow]]:
    """Bills without those that repeat or overlap an earlier row of the same meter and fuel."""
    kept: list[Bill] = []
    refused: list[RefusedRow] = []
    seen: dict[tuple[str, str], list[Bill]] = {}
    for bill in bills:
        before = seen.setdefault((bill.meter, bill.fuel), [])  # by start, none overlapping another
        place = bisect_left(before, bill.start, key=lambda one: one.start)
        other = next(
            (one for one in before[max(0, place - 1) : place + 1] if one.start < bill.end and bill.start < one.end), None
        )
        if other is None:
            kept.append(bill)
            before.insert(place, bill)
            continue
        same = (other.start, other.end) == (bill.start, bill.end)
        code = "bill.twice" if same else "bill.overlap"
        why = Text(
            f"{bill.meter}의 같은 기간이 {other.row}번째 줄에 있습니다. 한 줄만 남겨 주세요.",
            f"The period of {bill.meter} is in row {other.row} already{'' if same else ' in part'}. Keep one.",
        )
        refused.append(RefusedRow(bill.row, code, why, f"{bill.meter}, {bill.fuel}, {bill.start}, {bill.end}"))
    return kept, refused


def _refuse_total(cells: Mapping[str, str]) -> None:
    names = (cells.get(field, "") for field in ("meter", "building", "fuel", "month", "span", "start"))
    for text in names:
        if text.replace(" ", "").casefold() in _TOTALS:
            raise BadCell(
                "bill.total",
                Text(f"{text[:40]!r}: 합계 줄은 가져오지 않습니다.", f"{text[:40]!r}: a row of totals is not taken in."),
            )


def _estimated(text: str) -> bool:
    word = text.strip().casefold()
    if word in _ESTIMATED:
        return True
    if word in _MEASURED:
        return False
    words = Text(f"{text[:40]!r}: 실측인지 추정인지 알 수 없습니다.", f"{text[:40]!r} says neither measured nor estimated.")
    raise BadCell("bill.reading", words)


def _empty(ko: str, en: str) -> BadCell:
    return BadCell("bill.cell_empty", Text(f"{ko}: 값이 없습니다.", f"The row does not say {en}."))


def _too_wide(cells: int, headings: int) -> BadCell:
    return BadCell(
        "table.row_width",
        Text(
            f"이 줄은 {cells}칸, 머리글은 {headings}칸입니다. 쉼표가 든 수는 따옴표로 묶어 주세요.",
            f"The row has {cells} cells, the heading {headings}. Put numbers with commas in quotes.",
        ),
    )
