"""Programmes a claim may be made in: dated rows of ``rules/programmes.toml``, of Dure or of the city's own file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from dure.core.errors import NotFound
from dure.core.rules import Rule
from dure.core.text import Text
from dure.services.carbon.model import Attribute, Tier
from dure.services.carbon.rules import load_pack


class Programme(Rule, frozen=True, kw_only=True):
    """One row of ``[[programmes]]``.

    Attributes
    ----------
    name : for people
    tier : of everything claimed in it; tonnes of a C are 0
    attributes : what may be claimed in it
    factor_programme : whose emission factors it counts with (`programme` of ``dure.emissions``), empty for C
    budget_won : a calendar year's budget for rewards [KRW]; 0: it pays nothing
    person_year_won : most one person may get in a calendar year [KRW]; 0: no such limit
    pending_d : days a reserved claim may wait for a decision before its reservation ends
    """

    name: Text
    tier: Tier
    attributes: tuple[Attribute, ...]
    factor_programme: str = ""
    budget_won: int = 0
    person_year_won: int = 0
    pending_d: int = 30


def programmes(on: date, folder: Path | None = None) -> dict[str, Programme]:
    """All programmes in force on a day, by id.

    Raises
    ------
    ConfigError
        ``rules.not_in_force``, ``rules.invalid``
    """
    return {one.id: one for one in load_pack("programmes", folder).rows("programmes", Programme, on)}


def programme(ident: str, on: date, folder: Path | None = None) -> Programme:
    """One of them.

    Raises
    ------
    NotFound
        ``programme.unknown`` when it is not in force on that day
    """
    found = programmes(on, folder).get(ident)
    if found is None:
        raise NotFound("programme.unknown", f"No programme {ident[:80]!r} is in force on {on}.")
    return found
