"""Hours of a meter or a source from a CSV file or a workbook: a time, and the energy of the hour that begins then. Pure.

Every hour is a whole hour in the city's zone or with its own offset. kWh become whole Wh by cumulative rounding within the
file, so that their sum is kept to 1 Wh. An hour that is missing is not filled: it counts neither as used nor as generated, and
it is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.core.time import parse_instant
from dure.emissions.quantity import UNITS, unit_of
from dure.protocols.sheets.cells import CELL_CHARS_MAX, BadCell, bracketed, decimal_sign, plain_heading, read_number
from dure.protocols.sheets.files import read_file
from dure.protocols.sheets.rows import header_of
from dure.services.carbon.companies.activity import Notice, RefusedRow
from dure.services.carbon.companies.hourly import HOUR_WH_MAX

ROWS_MAX = 9_000
_WORDS = {
    "time": "time 시각 일시 시간 datetime timestamp starttime 시작시각 측정일시 검침일시",
    "amount": "amount 사용량 발전량 전력량 usage generation value energy kwh wh",
    "unit": "unit 단위",
}
_FIELD_OF = {plain_heading(word): field for field, words in _WORDS.items() for word in words.split()}


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held: whole Wh by UTC hour, and every refused row."""

    wh: dict[datetime, int]
    rejected: tuple[RefusedRow, ...]
    notices: tuple[Notice, ...]


def read_hours(body: bytes, zone: ZoneInfo, unit: str = "", sheet: str = "") -> Hours:
    """The hours of a file.

    Raises
    ------
    InputError : ``table.…``, ``workbook.…``, ``bill.no_columns``, ``hours.empty``, ``hours.too_many``
    """
    held = read_file(body, sheet)
    place, fields = header_of(held, lambda text: _FIELD_OF.get(plain_heading(text)), frozenset({"time", "amount"}))
    heading, below = held.rows[place][1], held.rows[place + 1 :]
    if not below:
        raise InputError("hours.empty", "The file holds headings but no row below them.")
    if len(below) > ROWS_MAX:
        raise InputError("hours.too_many", f"At most {ROWS_MAX:,} hours are read at once. Send the file in parts.")
    at = {field: column for column, field in fields.items()}
    sign = decimal_sign(cells[at["amount"]] for _, cells in below if at["amount"] < len(cells))
    stated = bracketed(heading[at["amount"]]) or plain_heading(heading[at["amount"]])
    found: dict[datetime, Fraction] = {}
    rejected: list[RefusedRow] = []
    for number, cells in below:
        by_field = {field: cells[column] if column < len(cells) else "" for column, field in fields.items()}
        try:
            hour = _new_hour(by_field["time"], zone, found)
            found[hour] = _wh(by_field, unit or stated, read_number(by_field["amount"], sign))
        except BadCell as bad:
            rejected.append(RefusedRow(number, bad.code, bad.why, ", ".join(filter(None, cells))[:CELL_CHARS_MAX]))
    return Hours(wh=whole_wh(found), rejected=tuple(rejected), notices=_gaps(sorted(found)))


def whole_wh(parts: Mapping[datetime, Fraction]) -> dict[datetime, int]:
    """Whole Wh whose running sum is the exact one rounded down: nothing is made or lost beyond 1 Wh of the whole."""
    found, exact, given = {}, Fraction(0), 0
    for hour in sorted(parts):
        exact += parts[hour]
        found[hour] = int(exact) - given
        given = int(exact)
    return found


def _new_hour(text: str, zone: ZoneInfo, seen: Mapping[datetime, Fraction]) -> datetime:
    hour = _hour(text, zone)
    if hour in seen:
        raise BadCell("hours.twice", Text("같은 시각이 두 번 있습니다.", "The hour is there twice."))
    return hour


def _hour(text: str, zone: ZoneInfo) -> datetime:
    words = text.strip().replace("/", "-").replace(".", "-")
    try:
        found = parse_instant(words, zone)
    except InputError as error:
        raise BadCell("hours.time", Text(f"{text[:40]!r}: 시각을 읽을 수 없습니다.", f"{text[:40]!r} is no time.")) from error
    if found.minute or found.second or found.microsecond:
        words_ = Text(f"{text[:40]!r}: 정각이 아닙니다.", f"{text[:40]!r} is not on the hour.")
        raise BadCell("hours.time", words_)
    return found.astimezone(UTC)


def _wh(cells: Mapping[str, str], stated: str, value: Fraction) -> Fraction:
    try:
        unit = unit_of(cells.get("unit") or stated)
    except InputError as error:
        raise BadCell("unit.unknown", Text("단위를 알 수 없습니다.", "The unit is not known: kWh or Wh.")) from error
    if UNITS[unit].dimension != "energy":
        raise BadCell("activity.unit", Text(f"전기를 {unit}로 적을 수 없습니다.", f"Electricity is not stated in {unit}."))
    if value < 0:
        raise BadCell("activity.negative", Text("0보다 작을 수 없습니다.", "An hour cannot be below 0."))
    wh = value * UNITS[unit].scale
    if wh > HOUR_WH_MAX:
        raise BadCell("hours.range", Text("있을 수 없는 양입니다. 단위를 확인해 주세요.", "That much cannot be. Check the unit."))
    return wh


def _gaps(hours: Sequence[datetime]) -> tuple[Notice, ...]:
    missing = 0 if not hours else (hours[-1] - hours[0]) // timedelta(hours=1) + 1 - len(hours)
    if not missing:
        return ()
    words = Text(f"빠진 시각이 {missing}개 있습니다. 채우지 않습니다.", f"{missing} hours are missing. They are not filled in.")
    return (Notice("hours.gap", words),)
