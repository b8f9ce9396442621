"""When a session must be stopped by a rule of the place. Pure, but for reading ``rules/place.toml``.

===================  =================================================================================================
``soc_reached``      the state of charge at which a subsidised fast charger, or a capped car park, stops
``time_reached``     the minutes after which it stops
``target_reached``   the state of charge the driver or the vehicle asked for
``no_restart``       the vehicle was stopped by one of these, was not unplugged, and charges again
===================  =================================================================================================
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from dure.core.text import Text
from dure.core.time import US_PER_S, to_us
from dure.services.charging.rules import Basis, Rule, load_pack

if TYPE_CHECKING:
    from dure.services.charging.model import Evse, Site
    from dure.services.charging.sessions.model import Session

Reason = Literal["soc_reached", "time_reached", "target_reached", "no_restart"]
REASON_NAMES: dict[str, Text] = {
    "soc_reached": Text("정해진 충전율에 이르러 멈춤", "Stopped at the state of charge of its place"),
    "time_reached": Text("정해진 시간이 지나 멈춤", "Stopped after the minutes of its place"),
    "target_reached": Text("목표 충전율에 이르러 멈춤", "Stopped at its target"),
    "no_restart": Text("뽑지 않고 다시 시작하여 멈춤", "Stopped: charging began again without unplugging"),
}


class StopRow(Rule, frozen=True, kw_only=True):
    """One row of ``[[stops]]``: where it holds, and when it stops."""

    holds: Literal["stops_at_80", "stops_at_90", "target", "never"]
    soc: float | None = None
    minutes: float | None = None
    power_kw_from: float = 0.0

    def holds_at(self, site: Site) -> bool:
        """Whether the register says that it holds at a site."""
        return (self.holds == "stops_at_80" and site.stops_at_80) or (self.holds == "stops_at_90" and site.stops_at_90)


class AskingRow(Rule, frozen=True, kw_only=True):
    """How often a station is asked to stop, how long after each time; words told later than `late_s` stop nothing."""

    again_s: int
    most_n: int
    late_s: int = 900


class StayRow(Rule, frozen=True, kw_only=True):
    """How long a vehicle may stay at a charger of at least that power."""

    power_kw_from: float
    minutes: float


class PlaceRules(msgspec.Struct, frozen=True):
    """All of them, as in force on a day."""

    stops: tuple[StopRow, ...]
    asking: AskingRow
    stays: tuple[StayRow, ...]
    bases: dict[str, Basis]
    version: str


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """That a session was stopped by a rule, and when."""

    session: str
    evse: str
    reason: Reason
    decided_at: datetime


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """That a session is to be stopped: why, by which rule, and what was seen."""

    reason: Reason
    basis: Basis
    seen: float
    limit: float


@lru_cache(maxsize=32)
def place_rules(day: date, folder: Path | None = None) -> PlaceRules:
    """The rules in force on a day; a city's own win."""
    pack = load_pack("place", folder)
    stops = pack.rows("stops", StopRow, day)
    return PlaceRules(
        stops=stops,
        asking=pack.row("asking", "stop", AskingRow, day),
        stays=pack.rows("stays", StayRow, day),
        bases={one.id: pack.basis("stops", one) for one in stops},
        version=f"{pack.id}@{pack.version}",
    )


def stop_due(
    session: Session, place: tuple[Site, Evse], rules: PlaceRules, now: datetime, before: Stopped | None = None
) -> Due | None:
    """Why a session is to be stopped now; None while it may go on.

    Parameters
    ----------
    before : the last stop by a rule at this EVSE, if the vehicle was not unplugged since
    """
    if session.state != "running" or is_past(session, rules.asking.late_s):
        return None
    for row in rules.stops:
        due = _due(row, session, place, rules, now)
        if due is not None:
            return due
    if before is not None and before.session != session.id and session.started_at >= before.decided_at:
        row = next((one for one in rules.stops if one.holds == "target"), rules.stops[0])
        return Due(reason="no_restart", basis=rules.bases[row.id], seen=0.0, limit=0.0)
    return None


def is_past(session: Session, late_s: int) -> bool:
    """Whether the newest word of a session was told long after it happened: its station catches up, its end may be to come."""
    heard_us = session.facts.get("heard_us")
    return bool(heard_us and session.last_at and heard_us - to_us(session.last_at) > late_s * US_PER_S)


def _due(row: StopRow, session: Session, place: tuple[Site, Evse], rules: PlaceRules, now: datetime) -> Due | None:
    site, evse = place
    basis = rules.bases[row.id]
    if row.holds == "target":
        if session.target_soc is None or session.soc is None or session.soc < session.target_soc:
            return None
        return Due(reason="target_reached", basis=basis, seen=session.soc, limit=session.target_soc)
    if not row.holds_at(site) or evse.power_w < row.power_kw_from * 1_000:
        return None
    if row.soc is not None and session.soc is not None and session.soc >= row.soc:
        return Due(reason="soc_reached", basis=basis, seen=session.soc, limit=row.soc)
    if row.minutes is not None and now - session.started_at >= timedelta(minutes=row.minutes):
        return Due(reason="time_reached", basis=basis, seen=(now - session.started_at).total_seconds() / 60, limit=row.minutes)
    return None


def overstays(stayed: timedelta, power_w: float, rules: PlaceRules) -> bool:
    """Whether a vehicle stayed longer than it may at a charger of that power."""
    fitting = [one for one in rules.stays if power_w >= one.power_kw_from * 1_000]
    row = max(fitting, key=lambda one: one.power_kw_from, default=None)
    return row is not None and stayed > timedelta(minutes=row.minutes)
