"""Lists that are ordered anew for every page: one is named by how many rows come before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")


class Part(NamedTuple, Generic[T]):
    """Rows of one page of a list of `total`; `after` and `following` name this page and the next, "" for none."""

    items: Sequence[T]
    total: int
    after: str
    following: str


def page_at(rows: Sequence[T], after: str, most: int) -> Part[T]:
    """The page that begins behind so many rows; what is no number begins at the first."""
    begin = int(after) if after.isascii() and after.isdigit() and len(after) < 9 else 0  # a list has fewer rows
    begin = begin if begin < len(rows) else 0
    end = begin + most
    return Part(rows[begin:end], len(rows), str(begin) if begin else "", str(end) if end < len(rows) else "")
