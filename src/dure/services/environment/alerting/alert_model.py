"""Nouns of alerts: an alert, and its story of changes, acknowledgements and escalations, numbered from 1."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.core.time import from_us
from dure.services.environment.alerting.alerts import Transition
from dure.services.environment.alerting.escalation import Waiting

AlertState = Literal["open", "closed"]
EntryKind = Literal["opened", "raised", "lowered", "closed", "acknowledged", "escalated"]
VALUES_MAX = 20  # values of a period shown with a change
STORY_MAX = 500  # things of one alert; one that flaps more is cut at its oldest


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an alert, numbered from 1."""

    n: int
    kind: EntryKind
    at: datetime
    before: int
    after: int
    start_us: int | None = None
    since_us: int | None = None
    values: dict[str, float | None] = {}  # msgspec copies an empty default for every instance
    source: str = ""
    value: float | None = None
    limit: float | None = None
    periods: int = 0
    reasons: tuple[Text, ...] = ()
    decision: str = ""
    by: str = ""
    note: str = ""
    roles: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept with an alert: its place in words, whether citizens may see it, when it last rose, and its story."""

    name: Text
    zone: str = ""
    public: bool = True
    alarmed_at: datetime
    level_max: int
    version: str
    story: tuple[Entry, ...] = ()


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert."""

    id: str
    rule: str
    scope: str
    level: int
    state: AlertState
    opened_at: datetime
    changed_at: datetime
    closed_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    escalation: int
    escalated_at: datetime | None
    facts: Facts
    decision: str

    @property
    def waiting(self) -> Waiting:
        """How the clock of escalation sees it."""
        return Waiting(self.id, self.level, self.facts.alarmed_at, self.escalation, self.acknowledged_at is not None)

    @property
    def last_n(self) -> int:
        """The number of the last thing that happened."""
        return self.facts.story[-1].n if self.facts.story else 0


def alert_id(transition: Transition) -> str:
    """The id of the alert that a transition opens: one per rule, place and period."""
    return f"{transition.rule}-{transition.scope}-{from_us(transition.start_us):%Y%m%dt%H%M%S}"


def entry_of(n: int, one: Transition, decision: str) -> Entry:
    """A change of level as the n-th entry of a story."""
    return Entry(
        n=n,
        kind=one.kind,
        at=one.at,
        before=one.before,
        after=one.after,
        start_us=one.start_us,
        since_us=one.since_us,
        values=_nearest(one),
        source=one.source,
        value=one.value,
        limit=one.limit,
        periods=one.periods,
        reasons=one.reasons,
        decision=decision,
    )


def _nearest(one: Transition) -> dict[str, float | None]:
    """The values nearest to the one that decided, which are the most serious; the decision keeps them all."""
    there = [(abs(value - one.value), name, value) for name, value in one.values.items() if value is not None]
    return {name: value for _, name, value in sorted(there)[:VALUES_MAX]}


def told(facts: Facts, entry: Entry) -> Facts:
    """The facts with one more entry in their story."""
    return msgspec.structs.replace(facts, story=(*facts.story, entry)[-STORY_MAX:])
