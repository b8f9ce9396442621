"""A ticket as a small machine: opened, assigned, repaired, tried again, closed.

Pure: a ticket and what somebody did in, the ticket as it is then out. Doing the same thing twice changes nothing; what does
not fit the state is refused with ``ticket.state``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal

import msgspec

from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.services.waste.faults.fault_rules import HolidayRow
from dure.services.waste.faults.findings import Fault, Found

TicketState = Literal["open", "assigned", "repaired", "closed"]
EntryKind = Literal["opened", "seen", "assigned", "repaired", "retested", "reopened", "closed", "note"]
Outcome = Literal["repaired", "gone", "false_alarm", "replaced", "removed"]
OUTCOMES: tuple[Outcome, ...] = ("repaired", "gone", "false_alarm", "replaced", "removed")
STORY_MAX = 200
NOTE_MAX = 1_000
PARTS_MAX = 20
NAME_MAX = 120
Verdict = Literal["passed", "failed", "waiting"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a ticket, numbered from 1."""

    n: int
    kind: EntryKind
    at: datetime
    by: str = ""
    note: str = ""
    words: Text = Text("")
    photo: str = ""
    parts: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept with a ticket.

    Attributes
    ----------
    since, evidence, numbers : of the finding that opened it, renewed while it is still seen
    seen_at : when a detector last saw the fault
    source : id of the sighting it came from, where a person saw it
    repaired_at : of the last repair; None before
    reopened_n : how often the re-test failed
    outcome : how it ended; empty before
    """

    since: datetime
    evidence: Text
    numbers: dict[str, float] = {}  # msgspec copies an empty default for every instance
    seen_at: datetime
    source: str = ""
    repaired_at: datetime | None = None
    photo: str = ""
    parts: tuple[str, ...] = ()
    reopened_n: int = 0
    outcome: Outcome | Literal[""] = ""
    story: tuple[Entry, ...] = ()


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket. `due_on` is a local day."""

    id: str
    bin: str
    fault: Fault
    state: TicketState
    owner: str
    opened_at: datetime
    changed_at: datetime
    due_on: date
    closed_at: datetime | None = None
    facts: Facts

    def late(self, today: date) -> bool:
        """Whether it is past its day and not closed."""
        return self.state != "closed" and self.due_on < today


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did: the photo's name among the blobs, parts used, and words."""

    photo: str = ""
    parts: tuple[str, ...] = ()
    note: str = ""


class Retested(msgspec.Struct, frozen=True):
    """What the readings after a repair say, and why."""

    verdict: Verdict
    words: Text


def due_on(opened_on: date, working_days: int, holidays: Iterable[HolidayRow]) -> date:
    """The day so many working days after the day it was opened; Saturdays, Sundays and holidays do not count."""
    free = {(one.year, one.month, one.day) for one in holidays}
    day, left = opened_on, working_days
    while left > 0 or not _works(day, free):
        day += timedelta(days=1)
        left -= _works(day, free)
    return day


def _works(day: date, free: set[tuple[int | None, int, int]]) -> bool:
    return day.weekday() < 5 and free.isdisjoint({(None, day.month, day.day), (day.year, day.month, day.day)})


def opened(found: Found, at: datetime, due: date, words: Text) -> Ticket:
    """A new ticket for a finding. One that a person's sighting gave has the sighting's id in its own, so that it exists once."""
    ticket = Ticket(
        id=f"{found.fault}-{found.bin}-{found.source or f'{at:%Y%m%dt%H%M%S}{at.microsecond:06d}'}",
        bin=found.bin,
        fault=found.fault,
        state="open",
        owner="",
        opened_at=at,
        changed_at=at,
        due_on=due,
        facts=Facts(since=found.since, evidence=found.evidence, numbers=found.numbers, seen_at=at, source=found.source),
    )
    return _told(ticket, Entry(n=0, kind="opened", at=at, words=words))


def seen(ticket: Ticket, found: Found, at: datetime) -> Ticket:
    """The ticket with what the detector sees now."""
    facts = msgspec.structs.replace(ticket.facts, evidence=found.evidence, numbers=found.numbers, seen_at=at)
    return msgspec.structs.replace(ticket, facts=facts)


def assigned(ticket: Ticket, owner: str, by: str, at: datetime) -> Ticket:
    """The ticket with an owner; an owner may be changed until it is repaired."""
    owner = _text(owner, "ticket.owner", NAME_MAX)
    if not owner:
        raise InputError("ticket.owner", "Say who takes it: a name or a team.")
    if ticket.state == "assigned" and ticket.owner == owner:
        return ticket
    _fits(ticket, "open", "assigned")
    return _changed(ticket, Entry(n=0, kind="assigned", at=at, by=by, note=owner), state="assigned", owner=owner)


def repaired(ticket: Ticket, repair: Repair, by: str, at: datetime) -> Ticket:
    """The ticket with its repair; readings from now on say whether it holds."""
    repair = _checked(repair)
    facts = ticket.facts
    if ticket.state == "repaired" and (facts.photo, facts.parts) == (repair.photo, repair.parts):
        return ticket
    _fits(ticket, "open", "assigned")
    facts = msgspec.structs.replace(facts, repaired_at=at, photo=repair.photo, parts=repair.parts)
    entry = Entry(n=0, kind="repaired", at=at, by=by, note=repair.note, photo=repair.photo, parts=repair.parts)
    return _changed(msgspec.structs.replace(ticket, facts=facts), entry, state="repaired", owner=ticket.owner or by)


def retested(ticket: Ticket, result: Retested, at: datetime) -> Ticket:
    """Closed when the re-test passed, open again when it failed, as it was while there is too little to say."""
    if ticket.state != "repaired" or result.verdict == "waiting":
        return ticket
    if result.verdict == "passed":
        passed = _changed(ticket, Entry(n=0, kind="retested", at=at, words=result.words))
        return _closed(passed, "repaired", Entry(n=0, kind="closed", at=at))
    facts = msgspec.structs.replace(ticket.facts, reopened_n=ticket.facts.reopened_n + 1)
    again = msgspec.structs.replace(ticket, facts=facts)
    return _changed(again, Entry(n=0, kind="reopened", at=at, words=result.words), state="assigned" if ticket.owner else "open")


def gone(ticket: Ticket, words: Text, at: datetime) -> Ticket:
    """Closed because the fault went by itself."""
    if ticket.state not in ("open", "assigned"):
        return ticket
    return _closed(ticket, "gone", Entry(n=0, kind="closed", at=at, words=words))


def closed(ticket: Ticket, outcome: Outcome, note: str, by: str, at: datetime) -> Ticket:
    """Closed by a person, who says how it ended. Closing what is closed changes nothing."""
    if outcome not in OUTCOMES:
        raise InputError("ticket.outcome", f"{outcome[:40]!r} is no outcome; there are {', '.join(OUTCOMES)}.")
    note = _text(note, "ticket.note", NOTE_MAX)
    if ticket.state == "closed":
        return ticket
    if not note:
        raise InputError("ticket.note", "Say what was found, so that the next one knows.")
    return _closed(ticket, outcome, Entry(n=0, kind="closed", at=at, by=by, note=note))


def _closed(ticket: Ticket, outcome: Outcome, entry: Entry) -> Ticket:
    facts = msgspec.structs.replace(ticket.facts, outcome=outcome)
    return _changed(msgspec.structs.replace(ticket, facts=facts), entry, state="closed", closed_at=entry.at)


def _changed(ticket: Ticket, entry: Entry, **changes: object) -> Ticket:
    return msgspec.structs.replace(_told(ticket, entry), changed_at=entry.at, **changes)


def _told(ticket: Ticket, entry: Entry) -> Ticket:
    story = ticket.facts.story
    entry = msgspec.structs.replace(entry, n=story[-1].n + 1 if story else 1)
    facts = msgspec.structs.replace(ticket.facts, story=(*story, entry)[-STORY_MAX:])
    return msgspec.structs.replace(ticket, facts=facts)


def _fits(ticket: Ticket, *states: TicketState) -> None:
    if ticket.state not in states:
        raise Conflict("ticket.state", f"The ticket {ticket.id[:80]} is {ticket.state}: that cannot be done with it now.")


def _checked(repair: Repair) -> Repair:
    if len(repair.parts) > PARTS_MAX:
        raise InputError("ticket.parts", f"A repair names at most {PARTS_MAX} parts.")
    parts = tuple(text for one in repair.parts if (text := _text(one, "ticket.parts", NAME_MAX)))
    return Repair(photo=_text(repair.photo, "ticket.photo", 200), parts=parts, note=_text(repair.note, "ticket.note", NOTE_MAX))


def _text(words: str, code: str, most: int) -> str:
    if len(words) > most or "\0" in words:
        raise InputError(code, f"This must be readable text of at most {most} characters.")
    return words.strip()
