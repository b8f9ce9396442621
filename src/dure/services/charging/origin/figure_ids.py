"""Ids of figures of the ledger, so that each can be asked where it comes from.

================================================  ================================================================
``charging/session/ID/origin``                    what a session got, by origin
``charging/site/ID/interval/2026-11-24T03:15Z``   the quarter of an hour that begins then
``charging/site/ID/day/2026-11-24``               a local day
================================================  ================================================================
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from dure.core.errors import DureError, NotFound
from dure.core.identifiers import identifier
from dure.core.time import format_instant, parse_instant, to_us
from dure.services.charging.origin.registers import STEP_US

PREFIX = "charging/"
CHARS_MAX = 200


class Figure(NamedTuple):
    """A figure that is asked for: of a session (`id`), or of a site at an instant or on a day."""

    id: str
    at: datetime | None = None
    day: date | None = None

    def __str__(self) -> str:
        """The id it reads from."""
        if self.at is not None:
            return interval_figure(self.id, self.at)
        return session_figure(self.id) if self.day is None else f"charging/site/{self.id}/day/{self.day}"


def session_figure(session: str) -> str:
    """Id of a session's origin."""
    return f"charging/session/{session}/origin"


def interval_figure(site: str, at: datetime) -> str:
    """Id of an interval of a site."""
    return f"charging/site/{site}/interval/{format_instant(at)}"


def parse(text: str) -> Figure:
    """The figure an id names. Raises NotFound ``figure.unknown``."""
    try:
        return _parsed(text.strip())
    except (ValueError, DureError) as error:
        raise NotFound(
            "figure.unknown", f"{text[:80]!r} names no figure of charging. docs/en/charging.md lists how they read."
        ) from error


def _parsed(text: str) -> Figure:
    if len(text) > CHARS_MAX:
        raise ValueError("too long")
    words = text.split("/")
    if words[0] != "charging" or len(words) < 4:
        raise ValueError("no figure of charging")
    if words[1] == "session" and len(words) == 4 and words[3] == "origin":
        return Figure(identifier(words[2], "session id"))
    kind, name, what, when = words[1:]
    if kind != "site" or what not in {"interval", "day"}:
        raise ValueError(what)
    site = identifier(name, "site id")
    if what == "day":
        return Figure(site, day=date.fromisoformat(when))
    at = parse_instant(when)
    if to_us(at) % STEP_US:
        raise ValueError("no begin of an interval")
    return Figure(site, at=at)
