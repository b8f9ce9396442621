"""Activity data from a CSV file or a workbook: columns in any order, headings in Korean or English, every refused row named.

Nothing is written here and nothing is guessed: a row without a kind, an amount, a unit or a period is refused, and the caller
decides what becomes of the accepted ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.quantity import UNITS, Basis, Quantity, unit_of
from dure.protocols.sheets.cells import (
    CELL_CHARS_MAX,
    BadCell,
    DecimalSign,
    bracketed,
    decimal_sign,
    read_day,
    read_month,
    read_number,
    read_span,
)
from dure.protocols.sheets.files import read_file
from dure.protocols.sheets.rows import Sheet, header_of
from dure.services.carbon.companies.activity import Activity, Periods, RefusedRow, plain_number
from dure.services.carbon.companies.activity_columns import field_of, read_kind
from dure.services.carbon.companies.activity_rules import ActivityRules, Kind
from dure.services.carbon.companies.company import FIRST_YEAR, Company

DAYS_MAX = 366
MERGED = Text(
    "양이나 금액이 다른 줄과 합쳐진 칸입니다. 칸을 나누고 줄마다 적어 주세요.",
    "The amount or cost is merged with that of another row. Unmerge the cells and write one in each row.",
)
_TOTALS = ("합계", "총계", "소계", "계", "total", "sum", "subtotal")
_ESTIMATED = ("추정", "인정", "estimated", "estimate", "e", "true", "y")
_MEASURED = ("", "실측", "실검침", "검침", "원격", "원격검침", "actual", "measured", "a", "false", "n")


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What the reader knows beforehand.

    Attributes
    ----------
    today : rows that begin later are refused
    kind, unit : of a file that has no such column, "" for none
    """

    company: Company
    rules: ActivityRules
    today: date
    kind: str = ""
    unit: str = ""


class Row(msgspec.Struct, frozen=True):
    """An accepted row and its number."""

    row: int
    activity: Activity


class ActivityFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held. `columns` are its headings and the field each stands for, "" where none."""

    accepted: tuple[Row, ...]
    rejected: tuple[RefusedRow, ...]
    columns: dict[str, str]
    encoding: str


class _Reader(msgspec.Struct, frozen=True):
    ground: Ground
    sheet: Sheet
    sign: DecimalSign
    won_sign: DecimalSign
    unit: str  # of the heading

    def row(self, cells: Mapping[str, str]) -> Activity:
        """An activity of the cells by field; raises `BadCell`."""
        _refuse_total(cells)
        kind = self._kind(cells)
        start, end = self._period(cells)
        meter = plain_number(cells.get("meter", ""))
        if kind.metered and not meter:
            raise _empty("고객번호나 계량기번호", "the customer or meter number")
        value, unit, basis = self._amount(kind, cells, (end - start).days)
        won = cells.get("won", "")
        return Activity(
            company=self.ground.company.id,
            kind=kind.id,
            site=self._site(cells.get("site", "")),
            start=start,
            end=end,
            value=value,
            unit=unit,
            basis=basis,
            meter=meter,
            number=plain_number(cells.get("number", "")),
            estimated=_estimated(cells.get("reading", "")),
            won=round(read_number(won.removesuffix("원"), self.won_sign)) if won else None,
            note=cells.get("note", "")[:CELL_CHARS_MAX],
        )

    def _kind(self, cells: Mapping[str, str]) -> Kind:
        text = cells.get("kind", "") or self.ground.kind
        if not text:
            raise _empty("활동 종류", "the kind of activity")
        return read_kind(text, self.ground.rules.kinds)

    def _site(self, text: str) -> str:
        sites = self.ground.company.sites
        if not text:
            return sites[0].id if len(sites) == 1 else ""
        word = text.strip().casefold()
        found = next((one.id for one in sites if word in {one.id, one.name.ko.casefold(), one.name.en.casefold()}), None)
        if found is None:
            words = Text(
                f"{text[:40]!r}: 등록되지 않은 사업장입니다.", f"{text[:40]!r} is no site of the company. Enter it first."
            )
            raise BadCell("activity.site", words)
        return found

    def _amount(self, kind: Kind, cells: Mapping[str, str], days: int) -> tuple[str, str, Basis]:
        text = cells.get("amount", "")
        if not text:
            raise _empty("양", "the amount")
        unit = _unit(cells.get("unit", "") or self.unit or self.ground.unit, kind)
        value = read_number(text.removesuffix("원"), self.sign)
        if value < 0:
            words = Text(f"{text[:40]!r}: 0보다 작을 수 없습니다.", f"{text[:40]!r}: an amount cannot be below 0.")
            raise BadCell("activity.negative", words)
        _refuse_absurd(kind, Quantity(value, unit), days)
        burnt = kind.id == "city_gas" and UNITS[unit].dimension == "energy"
        return decimal_text(value), unit, self.ground.rules.gas_basis if burnt else ""

    def _period(self, cells: Mapping[str, str]) -> tuple[date, date]:
        start, end = self._stated_period(cells)
        if end <= start:
            words = Text(f"{start}부터 {end}까지: 끝이 시작보다 앞섭니다.", f"From {start} to {end}: it ends before it begins.")
            raise BadCell("activity.period_reversed", words)
        if start.year < FIRST_YEAR or start > self.ground.today:
            words = Text(f"{start}: 있을 수 없는 시작일입니다.", f"{start}: a period cannot begin then.")
            raise BadCell("activity.period_outside", words)
        if (end - start).days > DAYS_MAX:
            words = Text("한 줄의 기간은 한 해를 넘을 수 없습니다.", "The period of a row is at most a year. Split it.")
            raise BadCell("activity.period_long", words)
        return start, end

    def _stated_period(self, cells: Mapping[str, str]) -> tuple[date, date]:
        zero = self.sheet.serial_zero
        if cells.get("span"):
            return read_span(cells["span"], zero)
        if cells.get("start") and cells.get("end"):
            return read_day(cells["start"], zero), read_day(cells["end"], zero)
        if cells.get("month"):
            return read_month(cells["month"], zero)
        if cells.get("date"):
            day = read_day(cells["date"], zero)
            return day, day + timedelta(1)
        raise _empty("기간(시작일과 종료일, 사용월, 또는 날짜)", "the period (start and end, the month, or the day)")


def read_activities(body: bytes, ground: Ground, sheet: str = "") -> ActivityFile:
    """The activities of a CSV file (UTF-8, UTF-16, CP949) or a workbook (XLSX); titles may stand above the headings.

    A row with `start` and `end` ends the day before `end`, as a meter is read on both; a span with ``~`` counts both its days.

    Raises
    ------
    InputError : nothing of the file can be used (``table.…``, ``sheet.…``, ``workbook.…``, ``bill.no_columns``,
    ``activity.empty``)
    """
    held = read_file(body, sheet)
    place, fields = header_of(held, field_of, frozenset({"amount"}))
    heading, below = held.rows[place][1], held.rows[place + 1 :]
    if not below:
        raise InputError("activity.empty", "The file holds headings but no row below them.")
    by_field = {field: column for column, field in fields.items()}
    stated = _heading_unit(heading[by_field["amount"]])
    reader = _Reader(ground, held, _sign(below, by_field.get("amount")), _sign(below, by_field.get("won")), stated)
    accepted: list[Row] = []
    rejected: list[RefusedRow] = []
    periods, merged = Periods(), _merged_rows(held, by_field)
    for number, cells in below:
        try:
            _refuse_merged(number, merged)
            one = reader.row({fields[n]: cell for n, cell in enumerate(cells) if n in fields})
            _refuse_overlap(one, periods)
            periods.add(one)
            accepted.append(Row(number, one))
        except BadCell as bad:
            rejected.append(RefusedRow(number, bad.code, bad.why, ", ".join(filter(None, cells))[:CELL_CHARS_MAX]))
    columns = {cell: fields.get(n, "") for n, cell in enumerate(heading)}
    return ActivityFile(accepted=tuple(accepted), rejected=tuple(rejected), columns=columns, encoding=held.encoding)


def decimal_text(value: Fraction) -> str:
    """An exact decimal as text without zeros at its end; the value must have one, as what people write does."""
    sign, whole = ("-" if value < 0 else ""), abs(value)
    digits = 0
    while (whole * 10**digits).denominator != 1:
        digits += 1
    text = str((whole * 10**digits).numerator).rjust(digits + 1, "0")
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)


def _merged_rows(held: Sheet, by_field: Mapping[str, int]) -> set[int]:
    """Rows whose amount or cost is one cell with those of other rows: whose it is nobody can tell, and it would count twice."""
    columns = {by_field[field] for field in ("amount", "won") if field in by_field}
    return {
        number
        for left, top, right, bottom in held.merged
        if bottom > top and any(left <= column <= right for column in columns)
        for number in range(top, min(bottom, held.rows[-1][0]) + 1)
    }


def _refuse_merged(number: int, merged: set[int]) -> None:
    if number in merged:
        raise BadCell("activity.merged", MERGED)


def _refuse_overlap(one: Activity, periods: Periods) -> None:
    other = periods.overlapping(one)
    if other is not None:
        words = Text(
            f"{one.meter}: {other.start}~{other.end} 기간과 겹치는 줄이 이 파일에 있습니다.",
            f"{one.meter}: another row of the file has {other.start} to {other.end} already.",
        )
        raise BadCell("activity.overlap", words)


def _refuse_absurd(kind: Kind, amount: Quantity, days: int) -> None:
    for unit, most in kind.day_most.items():
        if UNITS[unit].dimension == amount.dimension and amount.to(unit).value > most * days:
            words = Text(
                f"{days}일 동안 {decimal_text(amount.value)} {amount.unit}: 있을 수 없는 양입니다. 단위를 확인해 주세요.",
                f"{decimal_text(amount.value)} {amount.unit} in {days} days cannot be. Check the unit.",
            )
            raise BadCell("activity.absurd", words)


def _unit(text: str, kind: Kind) -> str:
    if not text:
        raise _empty("단위", "the unit")
    try:
        unit = unit_of(text)
    except InputError as error:
        words = Text(f"{text[:40]!r}: 모르는 단위입니다.", f"{text[:40]!r} is no unit we know.")
        raise BadCell("unit.unknown", words) from error
    if unit not in kind.units:
        can = ", ".join(kind.units)
        words = Text(
            f"{kind.name.ko}: {unit}로 적을 수 없습니다({can}).", f"{kind.name.en} is not stated in {unit}, but in {can}."
        )
        raise BadCell("activity.unit", words)
    return "pkm" if unit == "km" and "pkm" in kind.units else unit  # one traveller, unless the file counts them


def _heading_unit(heading: str) -> str:
    try:
        return unit_of(bracketed(heading))
    except InputError:
        return ""


def _sign(rows: Sequence[tuple[int, tuple[str, ...]]], column: int | None) -> DecimalSign:
    if column is None:
        return "."
    return decimal_sign(cells[column] for _, cells in rows if column < len(cells))


def _refuse_total(cells: Mapping[str, str]) -> None:
    for text in (cells.get(field, "") for field in ("kind", "site", "meter", "month", "span", "start", "date")):
        if text.replace(" ", "").casefold() in _TOTALS:
            words = Text(f"{text[:40]!r}: 합계 줄은 가져오지 않습니다.", f"{text[:40]!r}: a row of totals is not taken in.")
            raise BadCell("activity.total", words)


def _estimated(text: str) -> bool:
    word = text.strip().casefold()
    if word in _ESTIMATED:
        return True
    if word in _MEASURED:
        return False
    words = Text(f"{text[:40]!r}: 실측인지 추정인지 알 수 없습니다.", f"{text[:40]!r} says neither measured nor estimated.")
    raise BadCell("activity.reading", words)


def _empty(ko: str, en: str) -> BadCell:
    return BadCell("activity.cell_empty", Text(f"{ko}: 값이 없습니다.", f"The row does not say {en}."))
