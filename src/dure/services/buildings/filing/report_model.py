"""What a report says, before it is a page or a file: parts with text, figures, a picture and tables, in the reader's language."""

from __future__ import annotations

from datetime import datetime

import msgspec

from dure.core.text import Language


class Fact(msgspec.Struct, frozen=True):
    """A figure in words. `figure` is the id `explain` unfolds it by; `note` says what is not sure."""

    name: str
    value: str
    unit: str = ""
    figure: str = ""
    note: str = ""


class Picture(msgspec.Struct, frozen=True):
    """A chart and what it shows, for who does not see it."""

    svg: str
    alt: str


class Grid(msgspec.Struct, frozen=True):
    """A table; `numbers` are the columns set to the right. `figures` (one for each row, or none) stand at its end."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()
    figures: tuple[str, ...] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part under one heading."""

    heading: str
    text: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    picture: Picture | None = None
    grids: tuple[Grid, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A report. `as_of` is the instant it is told of; it holds no other time."""

    title: str
    subtitle: str
    city: str
    language: Language
    as_of: datetime
    parts: tuple[Part, ...]
