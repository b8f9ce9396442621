"""Files of hourly air temperature (CSV or workbook) to readings of a station; every row that cannot be used is named. Pure.

Needed are a time and a temperature, in any columns under any of their usual headings, as in the files of the weather
administration; times are wall-clock times of the city unless they carry an offset.

==========================  ==================================================
``weather.columns``         no row near the top has both headings
``weather.time``            the time cannot be read, or does not exist
``weather.value``           the temperature is no number, or impossible
``weather.twice``           the time stands in an earlier row already
==========================  ==================================================
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.protocols.sheets.cells import CELL_CHARS_MAX, BadCell, DecimalSign, decimal_sign, plain_heading, read_number
from dure.protocols.sheets.files import read_file
from dure.protocols.sheets.rows import header_of
from dure.services.buildings.importing.bills import RefusedRow
from dure.services.buildings.reads.local_times import instants_of

HEADINGS = {
    "time": ("일시", "시각", "시간", "관측시각", "관측일시", "time", "datetime", "dt", "timestamp", "date"),
    "temperature": ("기온", "온도", "평균기온", "temperature", "temp", "tempc", "tempf", "airtemperature", "drybulb"),
}
SPAN_C = (-60.0, 60.0)
_FIELD_OF = {word: field for field, words in HEADINGS.items() for word in words}
_FAHRENHEIT = re.compile(r"[(\[ _]?(°?f|fahrenheit|화씨)[)\]]?$|tempf$", re.IGNORECASE)


class TemperatureRow(msgspec.Struct, frozen=True):
    """The air temperature [degree C] at an instant."""

    at: datetime
    value_c: float


class WeatherFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds, in its order, and the rows that cannot be used."""

    rows: tuple[TemperatureRow, ...]
    rejected: tuple[RefusedRow, ...]
    fahrenheit: bool
    encoding: str


def read_weather_file(body: bytes, zone: ZoneInfo, sheet: str = "") -> WeatherFile:
    """The temperatures of a file.

    Raises
    ------
    InputError : nothing of it can be used: ``weather.columns``, or as `read_file`
    """
    held = read_file(body, sheet)
    try:
        place, fields = header_of(held, lambda heading: _FIELD_OF.get(plain_heading(heading)), frozenset(HEADINGS))
    except InputError as error:
        if error.code == "bill.no_columns":
            raise InputError("weather.columns", "No row near the top has headings of a time and a temperature.") from error
        raise
    column = {field: n for n, field in fields.items()}
    heading = held.rows[place][1][column["temperature"]]
    rows = held.rows[place + 1 :]
    fahrenheit = bool(_FAHRENHEIT.search(heading))
    sign = decimal_sign(_cell(cells, column["temperature"]) for _, cells in rows)
    found: list[tuple[int, datetime, float, str]] = []
    rejected: list[RefusedRow] = []
    for number, cells in rows:
        try:
            value = _value(_cell(cells, column["temperature"]), sign, fahrenheit=fahrenheit)
            found.append((number, _wall(_cell(cells, column["time"])), value, ", ".join(cells)[:CELL_CHARS_MAX]))
        except BadCell as bad:
            rejected.append(RefusedRow(number, bad.code, bad.why, ", ".join(filter(None, cells))[:CELL_CHARS_MAX]))
    kept = _at_instants(found, zone, rejected)
    return WeatherFile(
        rows=tuple(kept),
        rejected=tuple(sorted(rejected, key=lambda one: one.row)),
        fahrenheit=fahrenheit,
        encoding=held.encoding,
    )


def _at_instants(
    found: Sequence[tuple[int, datetime, float, str]], zone: ZoneInfo, rejected: list[RefusedRow]
) -> list[TemperatureRow]:
    naive = [place for place, (_, at, _, _) in enumerate(found) if at.tzinfo is None]
    local = dict(zip(naive, instants_of([found[place][1] for place in naive], zone).instants, strict=True))
    seen: set[datetime] = set()
    kept = []
    for place, (number, wall, value, content) in enumerate(found):
        at = local[place] if wall.tzinfo is None else wall.astimezone(UTC)
        if at is None:
            why = Text(f"{wall}: 없는 시각입니다.", f"{wall} does not exist: clocks were put forward.")
            rejected.append(RefusedRow(number, "weather.time", why, content))
        elif at in seen:
            why = Text(f"{wall}: 앞의 줄에 이미 있습니다.", f"{wall} stands in an earlier row already.")
            rejected.append(RefusedRow(number, "weather.twice", why, content))
        else:
            seen.add(at)
            kept.append(TemperatureRow(at, value))
    return kept


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column] if column < len(cells) else ""


def _value(text: str, sign: DecimalSign, *, fahrenheit: bool) -> float:
    try:
        value = float(read_number(text, sign))
    except BadCell as bad:
        why = Text(f"{text[:40]!r}: 기온이 아닙니다.", f"{text[:40]!r} is no temperature.")
        raise BadCell("weather.value", why) from bad
    value = (value - 32) / 1.8 if fahrenheit else value
    if not SPAN_C[0] <= value <= SPAN_C[1]:
        raise BadCell(
            "weather.value", Text(f"{text[:40]}: 있을 수 없는 기온입니다.", f"{text[:40]} is an impossible temperature.")
        )
    return round(value, 3)


def _wall(text: str) -> datetime:
    """A wall-clock time, or an instant where the text has an offset; 24:00 is the next midnight."""
    words = re.sub(r"^(\d{4})[./](\d{1,2})[./](\d{1,2})\.?", lambda m: f"{m[1]}-{int(m[2]):02d}-{int(m[3]):02d}", text.strip())
    words = re.sub(r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})?$", lambda m: f"{m[1]}-{m[2]}-{m[3]} {m[4]}:{m[5] or '00'}", words)
    words = re.sub(r"^(\S+)\s+(\d):", r"\1 0\2:", words)
    late = bool(re.search(r"[ T]24:00", words))
    try:
        at = datetime.fromisoformat(re.sub(r"([ T])24:00", r"\g<1>00:00", words))
        return at + timedelta(days=1) if late else at
    except (ValueError, OverflowError) as error:
        why = Text(
            f"{text[:40]!r}: 시각을 2026-11-24 09:00처럼 적어 주세요.", f"{text[:40]!r}: write the time like 2026-11-24 09:00."
        )
        raise BadCell("weather.time", why) from error
