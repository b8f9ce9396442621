"""What is done with findings and their tickets, each step in one transaction with its event and the audit log.

A new finding's decision is stored before its ticket, so that ``dure explain finding-ID`` tells what was seen, against which
threshold, and by which price and factor it is ranked.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection

from dure import __version__
from dure.core.events import Decision, Event
from dure.core.time import day_of, format_instant
from dure.engines.records import audit, decisions, events
from dure.engines.records.audit import By
from dure.services.buildings.finding import ticket_records, wording
from dure.services.buildings.finding import tickets as machine
from dure.services.buildings.finding.finding_rules import FindingRules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.looking import Look
from dure.services.buildings.finding.tickets import Outcome, Step, Ticket
from dure.services.buildings.finding.worth import Worth
from dure.services.buildings.model import SERVICE, Meter

DECISION = "buildings_finding"
RENEWED = timedelta(hours=12)  # what is still seen is written down again this often


class Seen(NamedTuple):
    """A finding of a meter with what it is worth."""

    finding: Finding
    meter: Meter
    worth: Worth


class Opening(NamedTuple):
    """By which rules and clock tickets are opened."""

    at: datetime
    zone: ZoneInfo
    rules: FindingRules


def open_found(connection: Connection, seen: Iterable[Seen], how: Opening) -> list[Ticket]:
    """Open a ticket for each new finding and renew those that are on record; the newly opened ones.

    What a person called no waste is not opened again for a while.
    """
    seen = list(seen)
    meters = {one.meter.id for one in seen}
    known = {(one.meter, one.finding): one for one in ticket_records.unsettled(connection, meters, lock=True)}
    held = _held(connection, how, meters)
    fresh = []
    for one in seen:
        key = (one.finding.meter, one.finding.kind)
        before = known.get(key)
        if before is not None:
            if before.state != "repaired" and how.at - before.facts.seen_at >= RENEWED:
                known[key] = ticket_records.store(connection, machine.seen(before, one.finding, one.worth, how.at))
        elif key not in held:
            ticket = _opened(connection, one, how)
            if ticket is not None:
                known[key] = ticket
                fresh.append(ticket)
    return fresh


def _held(connection: Connection, how: Opening, meters: Iterable[str]) -> set[tuple[str, str]]:
    longest = max(one.hold_days for one in how.rules.service.values())
    lately = ticket_records.closed_since(connection, how.at - timedelta(days=longest), list(meters))
    return {
        (one.meter, one.finding)
        for one in lately
        if one.facts.outcome in ("no_waste", "accepted")
        and one.closed_at is not None
        and how.at - one.closed_at < timedelta(days=how.rules.service[one.finding].hold_days)
    }


def _opened(connection: Connection, one: Seen, how: Opening) -> Ticket | None:
    today = day_of(how.at, how.zone)
    days_off = how.rules.days_off(range(today.year, today.year + 2))
    due = machine.due_on(today, how.rules.service[one.finding.kind].working_days, days_off)
    ticket = machine.opened(one.finding, one.worth, one.meter.building, how.at, due)
    if not ticket_records.insert(connection, ticket):
        return None
    decisions.add(connection, decision_of(ticket, one.meter, how.rules))
    events.announce(connection, [_event(ticket, "opened", how.at)], how.at)
    return ticket


def assign(connection: Connection, ident: str, owner: str, by: By) -> Ticket:
    """Somebody takes it."""
    before = ticket_records.get(connection, ident, lock=True)
    return _settle(connection, before, machine.assigned(before, owner, by.actor, by.at), by)


def repaired(connection: Connection, ident: str, note: str, by: By) -> Ticket:
    """Somebody repaired it: readings from now on are its re-test."""
    before = ticket_records.get(connection, ident, lock=True)
    return _settle(connection, before, machine.repaired(before, note, by.actor, by.at), by)


def reopen(connection: Connection, ident: str, note: str, by: By) -> Ticket:
    """A person says that it is not over; refused with ``ticket.twice`` where another of the kind is open."""
    before = ticket_records.get(connection, ident, lock=True)
    others = ticket_records.unsettled(connection, [before.meter], lock=True)
    machine.alone(before, others)
    return _settle(connection, before, machine.reopened(before, note, by.actor, by.at), by)


def close(connection: Connection, ident: str, outcome: Outcome, note: str, by: By) -> Ticket:
    """A person closes it without waiting for the re-test."""
    before = ticket_records.get(connection, ident, lock=True)
    return _settle(connection, before, machine.closed(before, outcome, note, by.actor, by.at), by)


def settle(connection: Connection, look: Look, at: datetime) -> list[Ticket]:
    """Close what passed its re-test or went by itself, and open again what failed; the changed ones."""
    by = By(audit.SYSTEM, at)
    changed = [_done(connection, ticket, "repaired", by) for ticket in look.passed]
    changed += [_done(connection, ticket, "gone", by) for ticket in look.gone]
    for ticket, _ in look.failed:
        before = ticket_records.get(connection, ticket.id, lock=True)
        if before.state == "repaired":
            changed.append(_settle(connection, before, machine.reopened(before, "", "", at), by))
    return [one for one in changed if one is not None]


def _done(connection: Connection, ticket: Ticket, outcome: Outcome, by: By) -> Ticket | None:
    before = ticket_records.get(connection, ticket.id, lock=True)
    if before.state != ticket.state:  # somebody did something meanwhile
        return None
    return _settle(connection, before, machine.closed(before, outcome, "", "", by.at), by)


def _settle(connection: Connection, before: Ticket, after: Ticket, by: By) -> Ticket:
    if after is before:
        return before
    ticket_records.store(connection, after)
    last = after.facts.story[-1]
    if last.step in _EVENTS:
        events.announce(connection, [_event(after, last.step, by.at)], by.at)
    detail = {"meter": after.meter, "finding": after.finding, "state": after.state, "note": last.note}
    audit.append(connection, by, "act", "field_work", after.id, {last.step: detail})
    return after


def decision_of(ticket: Ticket, meter: Meter, rules: FindingRules) -> Decision:
    """Why a ticket was opened, from what, and what it is ranked by."""
    finding, worth = ticket.facts.finding, ticket.facts.worth
    words = wording.words_of(finding, meter)
    return Decision(
        id=ticket.facts.decision,
        kind=DECISION,
        decided_at=ticket.opened_at,
        inputs={
            "meter": finding.meter,
            "building": ticket.building,
            "property": meter.supply.use,
            "window": [format_instant(finding.window_from), format_instant(finding.until)],
            "numbers": finding.numbers,
        },
        result={
            "ticket": ticket.id,
            "finding": finding.kind,
            "since": format_instant(finding.since),
            "due_on": ticket.due_on.isoformat(),
            "worth": msgspec.to_builtins(worth),
        },
        reasons=(words.en, words.ko, f"Threshold: {finding.rule}"),
        versions={"dure": __version__, "rules": f"{rules.pack.id}@{rules.pack.version}"},
    )


_EVENTS = {
    "opened": "buildings.finding.opened",
    "reopened": "buildings.finding.opened",
    "closed": "buildings.finding.closed",
}


def _event(ticket: Ticket, step: Step, at: datetime) -> Event:
    data: dict[str, Any] = {
        "ticket": ticket.id,
        "building": ticket.building,
        "finding": ticket.finding,
        "state": ticket.state,
        "outcome": ticket.facts.outcome,
        "won_year": ticket.won_year,
        "co2e_g_year": ticket.co2e_g_year,
        "due_on": ticket.due_on.isoformat(),
    }
    return Event(
        id=f"{_EVENTS[step]}:{ticket.id}:{ticket.facts.story[-1].n}",
        type=_EVENTS[step],
        source=f"dure/{SERVICE}",
        time=at,
        subject=ticket.meter,
        data=data,
    )
