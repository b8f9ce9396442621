"""Bills from a CSV file or a workbook: month, use, and what else a person's list may hold; every refused row is named. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.quantity import unit_of
from dure.protocols.sheets.cells import BadCell, decimal_sign, plain_heading, read_day, read_month, read_number
from dure.protocols.sheets.files import read_file
from dure.protocols.sheets.rows import header_of
from dure.services.carbon.households.energy_rules import Utility
from dure.services.carbon.households.model import MILLI, Bill
from dure.services.carbon.households.periods import Month, month_at

ROWS_MAX = 600
UTILITY_OF: dict[str, Utility] = {
    **dict.fromkeys(("electricity", "전기", "전력", "한전"), "electricity"),
    **dict.fromkeys(("gas", "citygas", "가스", "도시가스"), "gas"),
    **dict.fromkeys(("water", "수도", "상수도", "물"), "water"),
}
FIELDS = {
    "utility": "utility 종류 구분 에너지 에너지종류 kind type",
    "month": "month 월 사용월 청구월 연월 년월",
    "start": "start 시작 시작일 사용시작일 from",
    "end": "end 종료 종료일 사용종료일 검침일 to",
    "amount": "amount 사용량 사용 양 use usage quantity",
    "unit": "unit 단위",
    "read": "read reading 검침 검침구분 추정여부",
    "note": "exchanged 계량기교체 교체",
    "vacant": "vacant 비움 빈집 부재",
}
FIELD_OF = {plain_heading(word): field for field, words in FIELDS.items() for word in words.split()}
YES = ("y", "yes", "true", "1", "예", "네", "o")
ESTIMATED = ("estimated", "estimate", "e", "추정", "인정")
USUAL_UNIT: dict[Utility, str] = {"electricity": "kWh", "gas": "Nm3", "water": "m3"}


class RowRefused(msgspec.Struct, frozen=True):
    """A row that was not taken, and why."""

    row: int
    code: str
    why: Text


class BillFile(msgspec.Struct, frozen=True):
    """Rows of a file: bills with their row number, and those refused."""

    bills: tuple[tuple[int, Bill], ...]
    refused: tuple[RowRefused, ...]


def read_bills(body: bytes, utility: Utility | None) -> BillFile:
    """Bills of a file; its headings may be Korean or English.

    Parameters
    ----------
    utility : of a file without such a column

    Raises
    ------
    InputError : nothing of the file can be used (``table.…``, ``sheet.…``, ``workbook.…``, ``bill.no_columns``,
        ``household.file_rows``)
    """
    held = read_file(body)
    place, fields = header_of(held, lambda heading: FIELD_OF.get(plain_heading(heading)), frozenset({"amount", "month"}))
    below = held.rows[place + 1 :]
    if not 0 < len(below) <= ROWS_MAX:
        raise InputError(
            "household.file_rows", f"The file holds {len(below):,} rows of bills; between 1 and {ROWS_MAX} are read."
        )
    column = next(column for column, field in fields.items() if field == "amount")
    sign = decimal_sign(cells[column] for _, cells in below if column < len(cells))
    bills: list[tuple[int, Bill]] = []
    refused: list[RowRefused] = []
    for number, cells in below:
        named = {fields[at]: cell for at, cell in enumerate(cells) if at in fields}
        try:
            first, _ = read_month(named.get("month", ""), held.serial_zero)
            month = month_at(first)
            amount = round(read_number(named.get("amount", ""), sign) * MILLI)
            start = read_day(named["start"], held.serial_zero) if named.get("start") else month.first
            end = read_day(named["end"], held.serial_zero) if named.get("end") else month.end
            bills.append((number, _bill(named, _utility(named, utility), month, amount)))
            bills[-1] = (number, msgspec.structs.replace(bills[-1][1], first=start, end=end))
        except BadCell as bad:
            refused.append(RowRefused(number, bad.code, bad.why))
    return BillFile(tuple(bills), tuple(refused))


def billed_unit(text: str, utility: Utility) -> str:
    """The unit of a bill; a gas bill's m3 carries the correction for temperature and pressure already, so it is Nm3.

    Raises
    ------
    InputError : ``unit.unknown``
    """
    found = unit_of(text) if text.strip() else USUAL_UNIT[utility]
    return "Nm3" if utility == "gas" and found == "m3" else found


def _bill(named: Mapping[str, str], utility: Utility, month: Month, milli: int) -> Bill:
    try:
        unit = billed_unit(named.get("unit", ""), utility)
    except InputError as error:
        words = Text("모르는 단위입니다.", "The unit is not known.")
        raise BadCell("unit.unknown", words) from error
    return Bill(
        utility=utility,
        month=month.place,
        first=month.first,
        end=month.end,
        milli=milli,
        unit=unit,
        read="estimated" if named.get("read", "").strip().casefold() in ESTIMATED else "actual",
        exchanged=named.get("note", "").strip().casefold() in YES,
        vacant=named.get("vacant", "").strip().casefold() in YES,
        source="file",
    )


def _utility(named: Mapping[str, str], usual: Utility | None) -> Utility:
    text = named.get("utility", "")
    found = UTILITY_OF.get(plain_heading(text)) if text else usual
    if found is None:
        words = Text("전기, 가스, 수도 가운데 무엇인지 적어 주세요.", "Say whether it is electricity, gas or water.")
        raise BadCell("household.utility", words)
    return found
