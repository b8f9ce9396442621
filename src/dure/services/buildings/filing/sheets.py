"""What a workbook holds, before it is a file: sheets of typed cells, in the reader's language."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Value = str | int | float | None


class Column(msgspec.Struct, frozen=True):
    """A column; `decimals` None: text. `width` in characters."""

    name: str
    width: int = 14
    decimals: int | None = None


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table with its title and notes.

    Attributes
    ----------
    name : of the tab, up to 31 characters
    total : whether the last row is the sum of those above; its numbers are written as sums that spreadsheets work out again
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()
    total: bool = False


class Workbook(msgspec.Struct, frozen=True, kw_only=True):
    """A file to be: `created_at` is the question's `as_of`, never the clock."""

    title: str
    language: Literal["ko", "en"]
    created_at: datetime
    sheets: tuple[Sheet, ...]
