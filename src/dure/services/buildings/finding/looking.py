"""What one look at a meter says about its tickets: what is new, what is still seen, what is over, what came back. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
import numpy as np

from dure.services.buildings.finding.day_grid import Bools, DayGrid
from dure.services.buildings.finding.detecting import findings_of
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding, Kind
from dure.services.buildings.finding.tickets import Ticket

SAME_LOAD: Mapping[Kind, Kind] = {"night_base": "leak", "leak": "night_base"}


class Look(NamedTuple):
    """What one look says.

    Attributes
    ----------
    found : all that a detector sees now
    passed : repaired tickets that stayed quiet for long enough
    failed : repaired tickets whose finding is back, with what is seen
    gone : tickets nobody repaired whose finding was not seen for long
    """

    found: tuple[Finding, ...]
    passed: tuple[Ticket, ...]
    failed: tuple[tuple[Ticket, Finding], ...]
    gone: tuple[Ticket, ...]


def look(grid: DayGrid, tickets: Iterable[Ticket], more: Iterable[Finding], rules: FindingRules, *, flows: bool) -> Look:
    """Look at the days of a meter up to now.

    Parameters
    ----------
    grid : whole local days up to now
    tickets : its tickets that are not closed
    more : findings that do not come from hours (a late bill)
    rules : in force
    flows : whether the meter counts water or gas
    """
    waiting = {one.finding: one for one in tickets}
    found: dict[Kind, Finding] = {one.kind: one for one in more}
    if grid.days:
        barred = running(grid, waiting.values())
        sights = findings_of(grid, rules, barred=barred, flows=flows)
        found = {one.kind: one for one in _as_known(sights, waiting)} | found
    now = grid.starts(grid.days) if grid.days else None
    failed, passed, gone = [], [], []
    for kind, ticket in waiting.items():
        service, sight = rules.service[kind], found.get(kind)
        since = ticket.facts.repaired_at
        if ticket.state == "repaired" and since is not None:
            if sight is not None and sight.window_from >= since:
                failed.append((ticket, sight))
            elif sight is None and now is not None and now - since >= timedelta(days=service.quiet_days):
                passed.append(ticket)
        elif sight is None and now is not None and now - ticket.facts.seen_at >= timedelta(days=service.gone_days):
            gone.append(ticket)
    return Look(tuple(found.values()), tuple(passed), tuple(failed), tuple(gone))


def _as_known(found: Iterable[Finding], known: Collection[Kind]) -> list[Finding]:
    """Findings under the kind they are on record by: a leak that is seen as a night base by now is still that leak."""
    named = []
    for one in found:
        other = SAME_LOAD.get(one.kind)
        is_other = other is not None and other in known and one.kind not in known
        named.append(msgspec.structs.replace(one, kind=other) if is_other and other is not None else one)
    return named


def running(grid: DayGrid, tickets: Iterable[Ticket]) -> Bools:
    """(days,) days on which an unsettled finding ran: nothing is compared with them."""
    barred = np.zeros(grid.days, bool)
    for ticket in tickets:
        begin = row_of(grid, ticket.facts.finding.since)
        end = row_of(grid, ticket.facts.repaired_at) + 1 if ticket.facts.repaired_at is not None else grid.days
        barred[max(begin, 0) : max(end, 0)] = True
    return barred


def row_of(grid: DayGrid, at: datetime) -> int:
    """The row of the day an instant is on; outside the grid too."""
    return (at.astimezone(grid.zone).date() - grid.first).days


def first_look(grid: DayGrid, rules: FindingRules, *, flows: bool) -> list[Finding]:
    """What has been going on for weeks when a meter is looked at for the first time.

    A fault that lasts becomes what is usual. So the last weeks are gone through step by step as if one had looked then; a
    finding bars its days, and counts if it is still seen at the end.
    """
    barred = np.zeros(grid.days, bool)
    seen: dict[Kind, Finding] = {}
    look_ = rules.look
    ends = range(grid.days - look_.first_look_days, grid.days, look_.first_look_step_days)
    for end in (*(one for one in ends if one > 0), grid.days):
        found = findings_of(grid.until(end), rules, barred=barred[:end], flows=flows)
        found = _as_known(found, [*seen])
        for one in found:
            seen.setdefault(one.kind, one)
            barred[max(row_of(grid, one.since), 0) :] = True  # until it is over: the days to come are no measure either
        if not found:
            barred[end:] = False
        if end == grid.days:
            return [_since_first(one, seen) for one in found]
    return []


def _since_first(one: Finding, seen: Mapping[Kind, Finding]) -> Finding:
    return msgspec.structs.replace(one, since=min(one.since, seen[one.kind].since))
