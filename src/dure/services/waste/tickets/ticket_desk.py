"""What is done with tickets, each step in one transaction with its event and the audit log.

====================  =======================================================================
``ticket.unknown``    there is no ticket of this id
``ticket.state``      the step does not fit the ticket's state
``ticket.owner``      nobody was named, or the name is unreadable
``ticket.outcome``    an outcome that is not known
``ticket.note``       the note is missing or unreadable
``ticket.parts``      too many parts, or unreadable ones
``ticket.photo``      the name of the photo is unreadable
====================  =======================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from dure.core.events import Event
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records import audit, events
from dure.engines.records.audit import By
from dure.services.waste.faults.fault_rules import FaultRules
from dure.services.waste.faults.findings import SENSOR_FAULTS, Found
from dure.services.waste.model import SERVICE, Health
from dure.services.waste.tickets import ticket_records
from dure.services.waste.tickets import tickets as machine
from dure.services.waste.tickets.ticket_records import counts, get, listing, unsettled
from dure.services.waste.tickets.tickets import Outcome, Repair, Retested, Ticket

__all__ = [
    "assign",
    "close",
    "close_gone",
    "counts",
    "get",
    "healths",
    "listing",
    "open_found",
    "repaired",
    "retest",
    "unsettled",
    "untrusted",
]

Key = tuple[str, str]
SIGHTINGS_COUNT = timedelta(days=28)  # what people saw longer ago opens nothing any more
RENEWED = timedelta(hours=1)  # what is still seen is written down again this often
_WORST: tuple[Health, ...] = ("blocked", "stuck", "jumping", "contradicted", "silent", "not_compacting", "low_battery")


def open_found(
    connection: Connection, findings: Iterable[Found], at: datetime, rules: FaultRules, zone: ZoneInfo
) -> list[Ticket]:
    """Open a ticket for each new finding; the newly opened ones.

    One that is on record is renewed. What a person called a false alarm is not opened again for a while.
    """
    known = {(one.bin, one.fault): one for one in unsettled(connection, lock=True)}
    false, settled = _settled(connection, at, rules)
    fresh = []
    for found in findings:
        key = (found.bin, found.fault)
        before = known.get(key)
        if before is not None:
            if not found.source and before.state != "repaired" and at - before.facts.seen_at >= RENEWED:
                known[key] = ticket_records.store(connection, machine.seen(before, found, at))
            continue
        if key in false if not found.source else found.since <= settled.get(key, found.since - RENEWED):
            continue
        service = rules.service[found.fault]
        due = machine.due_on(day_of(at, zone), service.working_days, rules.holidays)
        ticket = machine.opened(found, at, due, found.evidence)
        if ticket_records.insert(connection, ticket):
            known[key] = ticket
            fresh.append(ticket)
    events.announce(connection, [_event(one, "opened", at) for one in fresh], at)
    return fresh


def _settled(connection: Connection, at: datetime, rules: FaultRules) -> tuple[set[Key], dict[Key, datetime]]:
    """What a person lately called a false alarm, and when each fault was settled last: sightings before that are answered."""
    lately = ticket_records.closed_since(connection, at - SIGHTINGS_COUNT)
    hold = at - timedelta(hours=rules.false_alarm_h)
    false: set[Key] = {
        (one.bin, one.fault) for one in lately if one.facts.outcome == "false_alarm" and one.closed_at and one.closed_at >= hold
    }
    return false, {(one.bin, one.fault): one.closed_at for one in lately if one.closed_at is not None}


def assign(connection: Connection, ident: str, owner: str, by: By) -> Ticket:
    """Somebody takes it."""
    before = get(connection, ident, lock=True)
    return _settle(connection, before, machine.assigned(before, owner, by.actor, by.at), "assigned", by)


def repaired(connection: Connection, ident: str, repair: Repair, by: By) -> Ticket:
    """Somebody repaired it: readings from now on are its re-test."""
    before = get(connection, ident, lock=True)
    return _settle(connection, before, machine.repaired(before, repair, by.actor, by.at), "repaired", by)


def close(connection: Connection, ident: str, outcome: Outcome, note: str, by: By) -> Ticket:
    """A person closes it without waiting for the re-test."""
    before = get(connection, ident, lock=True)
    return _settle(connection, before, machine.closed(before, outcome, note, by.actor, by.at), "closed", by)


def retest(connection: Connection, results: Mapping[str, Retested], at: datetime) -> list[Ticket]:
    """Close the repaired tickets (by id) that passed and open again those that failed; the changed ones."""
    changed = []
    for ident in sorted(results):
        before = get(connection, ident, lock=True)
        after = machine.retested(before, results[ident], at)
        if after is not before:
            what = "closed" if after.state == "closed" else "reopened"
            changed.append(_settle(connection, before, after, what, By(audit.SYSTEM, at)))
    return changed


def close_gone(connection: Connection, gone: Mapping[str, Text], at: datetime) -> list[Ticket]:
    """Close tickets (by id, with why) whose fault went by itself; the changed ones."""
    changed = []
    for ident in sorted(gone):
        before = get(connection, ident, lock=True)
        after = machine.gone(before, gone[ident], at)
        if after is not before:
            changed.append(_settle(connection, before, after, "closed", By(audit.SYSTEM, at)))
    return changed


def untrusted(connection: Connection, rules: FaultRules) -> dict[str, Health]:
    """Bins whose sensor is not believed while a ticket is open, and why."""
    doubted = [name for name in SENSOR_FAULTS if rules.service[name].distrusts]
    return _worst(ticket_records.open_faults(connection, doubted))


def healths(connection: Connection) -> dict[str, Health]:
    """The worst fault of every bin that has an open one of its sensor or its compactor."""
    return _worst(ticket_records.open_faults(connection, SENSOR_FAULTS))


def _worst(open_: Mapping[str, list[str]]) -> dict[str, Health]:
    return {bin_id: next(one for one in _WORST if one in faults) for bin_id, faults in open_.items()}


def _settle(connection: Connection, before: Ticket, after: Ticket, what: str, by: By) -> Ticket:
    if after is before:
        return before
    ticket_records.store(connection, after)
    last = after.facts.story[-1]
    events.announce(connection, [_event(after, what, by.at)], by.at)
    detail = {"bin": after.bin, "fault": after.fault, "state": after.state, "note": last.note, "photo": last.photo}
    audit.append(connection, by, "act", "field_work", after.id, {what: detail})
    return after


_EVENTS = {
    "opened": "waste.ticket.opened",
    "assigned": "waste.ticket.assigned",
    "repaired": "waste.ticket.repaired",
    "reopened": "waste.ticket.reopened",
    "closed": "waste.ticket.closed",
}


def _event(ticket: Ticket, what: str, at: datetime) -> Event:
    data: dict[str, Any] = {"ticket": ticket.id, "fault": ticket.fault, "state": ticket.state, "owner": ticket.owner}
    data |= {"due_on": ticket.due_on.isoformat(), "outcome": ticket.facts.outcome}
    return Event(
        id=f"waste.ticket.{what}:{ticket.id}:{ticket.facts.story[-1].n}",
        type=_EVENTS[what],
        source=f"dure/{SERVICE}",
        time=at,
        subject=ticket.bin,
        data=data,
    )
