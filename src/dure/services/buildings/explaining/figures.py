"""Ids of figures: what a screen or a filing calls a number by, so that it can be asked where it comes from.

==============================================  =====================================================================
``meter/ID/month/2026-05``                      what a meter used in a local month
``meter/ID/interval/2026-05-01T03:00:00Z``      what passed it in the hour that begins then
``meter/ID/gap/2026-05-01T03:00:00Z``           what stands in for hours that are not known, from that one on
``building/ID/energy/2025-11..2026-10``         final energy of months, both counted; also ``carbon``, ``won`` and ``eui``
``building/ID/grade/2026``                      the grade of a year; ``2026-10`` of the twelve months that end then
``body/NAME/carbon/2026``                       of all buildings of a public body; also ``energy`` and ``won``, also of months
``portfolio/carbon/2026``                       of all buildings of the city, likewise
``saving/MEASURE/2026-11-01``                   what a measure saved until a day (not counted)
``finding/TICKET``                              a finding, its evidence and what it is worth
==============================================  =====================================================================

``?as_of=2026-11-26T09:00:00Z`` asks for what was known then, ``?programme=ESG`` for the factors of another programme than NGMS,
``?fuel=heat`` for one fuel of energy, carbon and won. What does not read like this is refused with ``figure.unknown``.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Literal, get_args
from urllib.parse import parse_qsl, quote, unquote, urlencode

import msgspec

from dure.core.errors import InputError, NotFound
from dure.core.time import format_instant, parse_instant
from dure.services.buildings.factors.carbon import PROGRAMME
from dure.services.buildings.model import SUPPLIES

Subject = Literal["meter", "building", "body", "portfolio", "saving", "finding"]
What = Literal["month", "interval", "gap", "energy", "carbon", "won", "eui", "grade", "saving", "finding"]
SUMS: tuple[What, ...] = ("energy", "carbon", "won")
OF_BUILDING: tuple[What, ...] = (*SUMS, "eui", "grade")
OF_METER: tuple[What, ...] = ("month", "interval", "gap")
CHARS_MAX = 400
_ID = re.compile(r"[\w.:-]{1,120}")
_MONTH = re.compile(r"(?!0000)\d{4}-(?:0[1-9]|1[0-2])")
_YEAR = re.compile(r"[1-9]\d{3}")
_PROGRAMME = re.compile(r"[A-Za-z0-9-]{1,40}")
PARAMETERS = ("as_of", "programme", "fuel")


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure that is asked for.

    Attributes
    ----------
    id : of the meter, building, measure or ticket, or the name of the body
    first, last : months, both counted; of a meter's month both the same
    at : begin of an interval or gap, or the day a saving is told until
    """

    subject: Subject
    what: What
    id: str = ""
    first: str = ""
    last: str = ""
    at: datetime | None = None
    until: date | None = None
    as_of: datetime | None = None
    programme: str = PROGRAMME
    fuel: str = ""

    def __str__(self) -> str:
        """The id it reads from."""
        return _path(self) + _query(self)

    def also(self, **changes: object) -> Figure:
        """The same but for some fields."""
        return msgspec.structs.replace(self, **changes)


def parse(text: str, as_of: datetime | None = None) -> Figure:
    """The figure an id names; `as_of` where the id does not say one. Raises NotFound ``figure.unknown``."""
    try:
        return _parsed(text, as_of)
    except (ValueError, InputError) as error:
        raise NotFound("figure.unknown", f"{text[:80]!r} names no figure. docs/en/buildings.md lists how they read.") from error


def _parsed(text: str, as_of: datetime | None) -> Figure:
    if len(text) > CHARS_MAX:
        raise ValueError("too long")
    path, _, query = text.strip().partition("?")
    words = [unquote(word) for word in path.split("/")]
    subject = next(one for one in (*get_args(Subject), None) if one in (words[0], None))
    if subject is None:
        raise ValueError("no such subject")
    found = _READERS[subject](words[1:])
    asked = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)))
    programme, fuel = asked.pop("programme", PROGRAMME), asked.pop("fuel", "")
    known = parse_instant(asked.pop("as_of")) if "as_of" in asked else as_of
    if asked or not _PROGRAMME.fullmatch(programme) or (fuel and (fuel not in SUPPLIES or found.what not in SUMS)):
        raise ValueError("no such parameter")
    return found.also(as_of=known, programme=programme, fuel=fuel)


def _meter(words: list[str]) -> Figure:
    name, what, when = words
    if what not in OF_METER:
        raise ValueError(what)
    if what == "month":
        return Figure(subject="meter", what="month", id=_word(name), first=_month(when), last=_month(when))
    return Figure(subject="meter", what="gap" if what == "gap" else "interval", id=_word(name), at=parse_instant(when))


def _building(words: list[str]) -> Figure:
    name, what, when = words
    if what == "grade":
        last = f"{when}-12" if _YEAR.fullmatch(when) else _month(when)
        return Figure(subject="building", what="grade", id=_word(name), first=_back(last), last=last)
    first, last = _span(when)
    return Figure(subject="building", what=_one_of(what, OF_BUILDING), id=_word(name), first=first, last=last)


def _body(words: list[str]) -> Figure:
    name, what, when = words
    if not 0 < len(name) <= 200 or not name.isprintable():
        raise ValueError(name)
    first, last = _span(when)
    return Figure(subject="body", what=_one_of(what, SUMS), id=name, first=first, last=last)


def _portfolio(words: list[str]) -> Figure:
    what, when = words
    first, last = _span(when)
    return Figure(subject="portfolio", what=_one_of(what, SUMS), first=first, last=last)


def _saving(words: list[str]) -> Figure:
    name, until = words
    return Figure(subject="saving", what="saving", id=_word(name), until=date.fromisoformat(until))


def _finding(words: list[str]) -> Figure:
    (name,) = words
    return Figure(subject="finding", what="finding", id=_word(name))


_READERS = {
    "meter": _meter,
    "building": _building,
    "body": _body,
    "portfolio": _portfolio,
    "saving": _saving,
    "finding": _finding,
}


def _one_of(word: str, known: tuple[What, ...]) -> What:
    found = next((one for one in known if one == word), None)
    if found is None:
        raise ValueError(word)
    return found


def _word(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError(text)
    return text


def _month(text: str) -> str:
    if not _MONTH.fullmatch(text):
        raise ValueError(text)
    return text


def _span(text: str) -> tuple[str, str]:
    if _YEAR.fullmatch(text):
        return f"{text}-01", f"{text}-12"
    first, dots, last = text.partition("..")
    if not dots:
        return _month(first), _month(first)
    if _month(first) > _month(last) or int(last[:4]) - int(first[:4]) > 60:
        raise ValueError(text)
    return first, last


def _back(last: str) -> str:
    """The first of twelve months."""
    index = int(last[:4]) * 12 + int(last[5:]) - 12
    return f"{index // 12:04d}-{index % 12 + 1:02d}"


def _path(one: Figure) -> str:
    name = quote(one.id, safe="")
    if one.what in ("interval", "gap") and one.at is not None:
        return f"meter/{name}/{one.what}/{format_instant(one.at)}"
    if one.what == "month":
        return f"meter/{name}/month/{one.first}"
    if one.what == "grade":
        return f"building/{name}/grade/{one.last[:4] if one.last.endswith('-12') else one.last}"
    if one.what == "saving":
        return f"saving/{name}/{one.until}"
    if one.what == "finding":
        return f"finding/{name}"
    subject = "portfolio" if one.subject == "portfolio" else f"{one.subject}/{name}"
    return f"{subject}/{one.what}/{_when(one.first, one.last)}"


def _when(first: str, last: str) -> str:
    if first[:4] == last[:4] and first.endswith("-01") and last.endswith("-12"):
        return first[:4]
    return f"{first}..{last}"


def _query(one: Figure) -> str:
    asked = {
        "fuel": one.fuel,
        "programme": "" if one.programme == PROGRAMME else one.programme,
        "as_of": format_instant(one.as_of) if one.as_of else "",
    }
    given = {name: value for name, value in asked.items() if value}
    return f"?{urlencode(given)}" if given else ""
