"""What people write into the cells of table files: numbers, days, months, headings.

Every reader gives the value, or raises `BadCell` with a stable code and a sentence in both languages.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from dure.core.text import Text

CELL_CHARS_MAX = 200
SERIAL_DAYS = (25_000, 75_000)  # 1968 to 2105: what else stands in a date column is no day number
DecimalSign = Literal[".", ",", "?"]  # "?": the column writes both ways

_POINT = re.compile(r"\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}|0\.\d+|\d+\.(\d{1,2}|\d{4,})|\d{4,}\.\d{3}")
_COMMA = re.compile(r"\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}|0,\d+|\d+,(\d{1,2}|\d{4,})|\d{4,},\d{3}")
_WITH = {
    ".": re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?|\d+(\.\d+)?|\.\d+"),
    ",": re.compile(r"\d{1,3}(\.\d{3})+(,\d+)?|\d+(,\d+)?|,\d+"),
}
_BRACKETS = re.compile(r"[(\[（].*?[)\]）]")
_SIGNS = re.compile(r"[\s_\-./·:*#]+")


class BadCell(ValueError):
    """A cell that cannot be read: why, as a code and in words."""

    def __init__(self, code: str, why: Text) -> None:
        super().__init__(why.en)
        self.code = code
        self.why = why


@lru_cache(4_096)  # a file says the same few words in every row
def plain_heading(text: str) -> str:
    """A heading without what people vary: case, spaces, signs, units in brackets."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    return _SIGNS.sub("", _BRACKETS.sub("", whole)) or _SIGNS.sub("", whole)


def bracketed(text: str) -> str:
    """What stands in brackets in a heading, often a unit; "" where nothing does."""
    found = _BRACKETS.search(text)
    return found[0][1:-1].strip() if found else ""


def _digits(text: str) -> tuple[str, int]:
    """The number without spaces and sign, and its sign: -5, −5, △5, (5)."""
    words = unicodedata.normalize("NFKC", text).replace("−", "-").strip()
    words = re.sub(r"(?<=\d)[\s\u00a0'’](?=\d{3})", "", words)
    negative = re.fullmatch(r"[-△▲]\s*(.+)|\((.+)\)", words)
    return (negative[1] or negative[2], -1) if negative else (words.lstrip("+"), 1)


def decimal_sign(cells: Iterable[str]) -> DecimalSign:
    """The sign a column writes before decimals, by the cells that can be read one way only; a point when none of them tells."""
    point = comma = False
    for cell in cells:
        digits, _ = _digits(cell)
        point = point or bool(_POINT.fullmatch(digits))
        comma = comma or bool(_COMMA.fullmatch(digits))
    if point and comma:
        return "?"
    return "," if comma else "."


def read_number(text: str, sign: DecimalSign) -> Fraction:
    """The number a cell says; in a column that writes both ways, only if it can be read one way only."""
    digits, factor = _digits(text[:CELL_CHARS_MAX])
    if sign == "?":
        sign = "." if _POINT.fullmatch(digits) or digits.isdecimal() else "," if _COMMA.fullmatch(digits) else "?"
    if sign == "?":
        raise BadCell(
            "bill.number_ambiguous",
            Text(
                f"{text[:40]!r}: 쉼표가 천 단위인지 소수점인지 알 수 없습니다. 이 열에는 두 가지가 섞여 있습니다.",
                f"{text[:40]!r} can be read two ways: this column writes the comma both before thousands and before decimals.",
            ),
        )
    if not digits.isascii() or not _WITH[sign].fullmatch(digits):
        raise BadCell("bill.number", Text(f"{text[:40]!r}: 수가 아닙니다.", f"{text[:40]!r} is no number."))
    plain = digits.replace("," if sign == "." else ".", "").replace(",", ".")
    return factor * Fraction(plain if not plain.startswith(".") else f"0{plain}")


def read_day(text: str, serial_zero: date) -> date:
    """A day: 2026-11-24, 2026.11.24., 2026/11/24, 20261124, 2026년 11월 24일, or a spreadsheet's number of days."""
    words = unicodedata.normalize("NFKC", text).strip()
    serial = re.fullmatch(r"(\d{5})(?:\.0*)?", words)
    if serial and SERIAL_DAYS[0] <= int(serial[1]) <= SERIAL_DAYS[1]:
        return serial_zero + timedelta(int(serial[1]))
    found = re.fullmatch(r"(\d{4})\s*[-./년]\s*(\d{1,2})\s*[-./월]\s*(\d{1,2})\s*[.일]?(?:[ T]0?0:00(?::00)?)?", words)
    found = found or re.fullmatch(r"(\d{4})(\d{2})(\d{2})", words)
    try:
        if found:
            return date(*map(int, found.groups()))
    except ValueError:
        pass
    raise BadCell(
        "bill.date", Text(f"{text[:40]!r}: 날짜를 2026-11-24처럼 적어 주세요.", f"{text[:40]!r}: write the day like 2026-11-24.")
    )


def read_month(text: str, serial_zero: date) -> tuple[date, date]:
    """First day of a month and of the next: 2026-11, 202611, 2026.11., 2026년 11월; a whole day names its month."""
    words = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"\d{4}\.1", words):  # a spreadsheet writes 2026.10 so, too
        why = Text(
            f"{words}: 1월인지 10월인지 알 수 없습니다. {words[:4]}-01처럼 적어 주세요.",
            f"{words} may be January or October. Write {words[:4]}-01.",
        )
        raise BadCell("bill.month_ambiguous", why)
    found = re.fullmatch(r"(\d{4})\s*[-./년]?\s*(\d{1,2})\s*[.월]?(?:\s*분)?", words)
    if found and (len(found[2]) == 2 or not words.isdigit()) and 1 <= int(found[2]) <= 12 and 1 <= int(found[1]) < 9999:
        first = date(int(found[1]), int(found[2]), 1)
    else:
        first = read_day(text, serial_zero).replace(day=1)
    return first, (first + timedelta(32)).replace(day=1)


def read_span(text: str, serial_zero: date) -> tuple[date, date]:
    """First day and the day after the last of 2026.10.15~2026.11.14, both days counted."""
    parts = re.split(r"\s*(?:~|〜|～|–|\bto\b|부터)\s*", text.strip().removesuffix("까지"))
    if len(parts) != 2:
        raise BadCell(
            "bill.date",
            Text(
                f"{text[:40]!r}: 기간을 2026-10-15~2026-11-14처럼 적어 주세요.",
                f"{text[:40]!r}: write the span like 2026-10-15~2026-11-14.",
            ),
        )
    return read_day(parts[0], serial_zero), read_day(parts[1], serial_zero) + timedelta(1)
