"""Pages that follow each other by key, so that rows added meanwhile are neither skipped nor shown twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec
from sqlalchemy import ColumnElement, and_, or_

from dure.core.errors import InputError
from dure.core.time import from_us, to_us

LIMIT_MAX = 10_000
T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Some items and the mark after which the next page begins; empty on the last page."""

    items: list[T]
    next: str = ""


def page(items: Iterable[T], limit: int, mark: Callable[[T], str]) -> Page[T]:
    """The page of up to `limit` items out of `limit` + 1 that were asked for."""
    found = list(items)
    shown = found[:limit]
    return Page(shown, mark(shown[-1]) if len(found) > limit else "")


def checked_limit(limit: int) -> int:
    """The limit, when it is one."""
    if not 1 <= limit <= LIMIT_MAX:
        raise InputError("page.limit", f"A page has 1 to {LIMIT_MAX} rows, not {limit}.")
    return limit


def time_mark(at: datetime, key: str) -> str:
    """The mark of a row in lists ordered by time, then key."""
    return f"{to_us(at)}~{key}"


def older_than(mark: str, at: ColumnElement[Any], key: ColumnElement[Any]) -> ColumnElement[bool]:
    """Rows after the mark in a list ordered newest first."""
    us, _, last = mark.partition("~")
    try:
        instant = from_us(int(us))
    except (ValueError, OverflowError) as error:
        raise InputError("page.mark", f"{mark[:80]!r} is no mark of a page: take `next` of the page before.") from error
    return or_(at < instant, and_(at == instant, key < last))
