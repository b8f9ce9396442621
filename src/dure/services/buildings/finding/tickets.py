"""A ticket of a finding as a small machine: open, assigned, repaired and under re-test, closed.

Pure: a ticket and what somebody did in, the ticket as it is then out. Doing the same thing twice changes nothing; what does
not fit the state is refused with ``ticket.state``.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from dure.core.errors import Conflict, InputError
from dure.services.buildings.finding.findings import Finding, Kind
from dure.services.buildings.finding.worth import Worth

State = Literal["open", "assigned", "repaired", "closed"]
STATES: tuple[State, ...] = ("open", "assigned", "repaired", "closed")
Step = Literal["opened", "assigned", "repaired", "reopened", "closed"]
Outcome = Literal["repaired", "gone", "no_waste", "accepted"]
OUTCOMES: tuple[Outcome, ...] = ("repaired", "gone", "no_waste", "accepted")
BY_PERSON: tuple[Outcome, ...] = ("repaired", "no_waste", "accepted")
STORY_MAX = 200
NOTE_MAX = 1_000
NAME_MAX = 120
WEEKEND = 5


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, numbered from 1. `by` is empty where the house did it."""

    n: int
    step: Step
    at: datetime
    by: str = ""
    note: str = ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept with a ticket.

    Attributes
    ----------
    finding, worth : as seen last while it is unsettled
    seen_at : when a detector last saw it; looked_at : when one last looked
    repaired_at : of the last repair; None before
    reopened_n : how often a re-test failed
    outcome : how it ended; empty before
    decision : id of the decision that opened it
    """

    finding: Finding
    worth: Worth
    seen_at: datetime
    repaired_at: datetime | None = None
    reopened_n: int = 0
    outcome: Outcome | Literal[""] = ""
    decision: str = ""
    story: tuple[Entry, ...] = ()


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket. `due_on` is a local day."""

    id: str
    building: str
    meter: str
    finding: Kind
    state: State
    owner: str
    opened_at: datetime
    changed_at: datetime
    due_on: date
    closed_at: datetime | None = None
    won_year: int
    co2e_g_year: int
    facts: Facts

    def late(self, today: date) -> bool:
        """Whether it is past its day and nothing was repaired yet."""
        return self.state in ("open", "assigned") and self.due_on < today


def due_on(opened_on: date, working_days: int, days_off: Collection[date]) -> date:
    """The day so many working days after the day it was opened."""
    day, left = opened_on, working_days
    while left > 0:
        day += timedelta(days=1)
        left -= day.weekday() < WEEKEND and day not in days_off
    return day


def opened(finding: Finding, worth: Worth, building: str, at: datetime, due: date) -> Ticket:
    """A new ticket."""
    ident = f"{finding.kind.replace('_', '-')}-{finding.meter}-{at:%Y%m%dt%H%M%S}"
    ticket = Ticket(
        id=ident,
        building=building,
        meter=finding.meter,
        finding=finding.kind,
        state="open",
        owner="",
        opened_at=at,
        changed_at=at,
        due_on=due,
        won_year=worth.won_year,
        co2e_g_year=worth.co2e_g_year,
        facts=Facts(finding=finding, worth=worth, seen_at=at, decision=f"finding-{ident}"),
    )
    return _told(ticket, Entry(n=0, step="opened", at=at))


def seen(ticket: Ticket, finding: Finding, worth: Worth, at: datetime) -> Ticket:
    """The ticket with what the detector sees now; when it began stays as it was told first."""
    kept = ticket.facts.finding
    finding = msgspec.structs.replace(finding, since=min(kept.since, finding.since))
    facts = msgspec.structs.replace(ticket.facts, finding=finding, worth=worth, seen_at=at)
    return msgspec.structs.replace(ticket, facts=facts, won_year=worth.won_year, co2e_g_year=worth.co2e_g_year)


def assigned(ticket: Ticket, owner: str, by: str, at: datetime) -> Ticket:
    """The ticket with an owner, who may be changed until it is repaired."""
    owner = _text(owner, "ticket.owner", NAME_MAX)
    if not owner:
        raise InputError("ticket.owner", "Say who takes it: a name or a team.")
    if ticket.state == "assigned" and ticket.owner == owner:
        return ticket
    _fits(ticket, "open", "assigned")
    return _changed(ticket, Entry(n=0, step="assigned", at=at, by=by, note=owner), state="assigned", owner=owner)


def repaired(ticket: Ticket, note: str, by: str, at: datetime) -> Ticket:
    """The ticket with its repair; readings from now on say whether it holds."""
    note = _text(note, "ticket.note", NOTE_MAX)
    if ticket.state == "repaired":
        return ticket
    _fits(ticket, "open", "assigned")
    facts = msgspec.structs.replace(ticket.facts, repaired_at=at)
    entry = Entry(n=0, step="repaired", at=at, by=by, note=note)
    return _changed(msgspec.structs.replace(ticket, facts=facts), entry, state="repaired", owner=ticket.owner or by)


def reopened(ticket: Ticket, note: str, by: str, at: datetime) -> Ticket:
    """Open again: the re-test failed (nobody did it), or a person says that it is not over."""
    note = _text(note, "ticket.note", NOTE_MAX)
    _fits(ticket, "repaired", "closed")
    if by and not note:
        raise InputError("ticket.note", "Say why it is open again.")
    facts = msgspec.structs.replace(ticket.facts, reopened_n=ticket.facts.reopened_n + 1, outcome="", repaired_at=None)
    again = msgspec.structs.replace(ticket, facts=facts, closed_at=None)
    entry = Entry(n=0, step="reopened", at=at, by=by, note=note)
    return _changed(again, entry, state="assigned" if ticket.owner else "open")


def alone(ticket: Ticket, others: Collection[Ticket]) -> None:
    """Refused with ``ticket.twice`` where another ticket of the meter and kind is not closed."""
    for one in others:
        if one.finding == ticket.finding and one.id != ticket.id:
            raise Conflict("ticket.twice", f"{one.id[:80]} is about the same and not closed. Go on with that one.")


def closed(ticket: Ticket, outcome: Outcome, note: str, by: str, at: datetime) -> Ticket:
    """Closed: by a person, who says what was found, or by the house (`by` empty). Closing what is closed changes nothing."""
    if outcome not in OUTCOMES or (by and outcome not in BY_PERSON):
        raise InputError("ticket.outcome", f"{outcome[:40]!r} is no outcome; there are {', '.join(BY_PERSON)}.")
    note = _text(note, "ticket.note", NOTE_MAX)
    if ticket.state == "closed":
        return ticket
    if by and not note:
        raise InputError("ticket.note", "Say what was found, so that the next one knows.")
    facts = msgspec.structs.replace(ticket.facts, outcome=outcome)
    entry = Entry(n=0, step="closed", at=at, by=by, note=note)
    return _changed(msgspec.structs.replace(ticket, facts=facts), entry, state="closed", closed_at=at)


def _changed(ticket: Ticket, entry: Entry, **changes: object) -> Ticket:
    return msgspec.structs.replace(_told(ticket, entry), changed_at=entry.at, **changes)


def _told(ticket: Ticket, entry: Entry) -> Ticket:
    story = ticket.facts.story
    entry = msgspec.structs.replace(entry, n=story[-1].n + 1 if story else 1)
    facts = msgspec.structs.replace(ticket.facts, story=(*story, entry)[-STORY_MAX:])
    return msgspec.structs.replace(ticket, facts=facts)


def _fits(ticket: Ticket, *states: State) -> None:
    if ticket.state not in states:
        raise Conflict("ticket.state", f"The ticket {ticket.id[:80]} is {ticket.state}: that cannot be done with it now.")


def _text(words: str, code: str, most: int) -> str:
    if len(words) > most or "\0" in words:
        raise InputError(code, f"This must be readable text of at most {most} characters.")
    return words.strip()
