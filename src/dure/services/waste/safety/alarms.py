"""An alarm as a small machine: raised by a 1, over when the sensor says 0 and somebody has acknowledged it.

Pure: what is on record and a signal in, what becomes of it out. A 1 of an episode that is on record raises nothing new,
whichever way and however late it comes; a 0 never closes what nobody has acknowledged.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import msgspec
import numpy as np

from dure.core.observations import Batch, Flag
from dure.core.time import from_us
from dure.services.waste.model import ALARMS, AlarmKind

AlarmState = Literal["open", "acknowledged", "closed"]
EntryKind = Literal["raised", "again", "cleared", "acknowledged", "escalated", "told", "closed"]
Happened = Literal["raised", "again", "repeated", "cleared", "closed"]
STORY_MAX = 200  # things told of one alarm; a sensor that flutters more is cut at its oldest
ON = 0.5  # a switch is sent as 0 or 1; whatever lies nearer to 1, and beyond, is on
SERIOUS: dict[AlarmKind, int] = {"fire": 0, "hopper_jam": 1, "tilt": 2}
"""Order in which kinds are shown: the most serious first."""


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What a sensor said: on or off, when it sensed it, when we had it, and how the reading was judged."""

    bin: str
    kind: AlarmKind
    on: bool
    sensed_at: datetime
    received_at: datetime
    flag: int = int(Flag.GOOD)
    check: int = 0
    seq: int = 0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an alarm, numbered from 1."""

    n: int
    kind: EntryKind
    at: datetime
    by: str = ""
    note: str = ""
    roles: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept with an alarm.

    Attributes
    ----------
    last_on_at : the newest instant at which the sensor said 1
    cleared_at : when it said 0 after that; None while it does not
    flag, check : how the reading that raised it was judged; anything but a good one is shown as doubtful, never held back
    signals : how often the sensor said 1
    by_hand : closed by a person although the sensor had not said 0
    """

    last_on_at: datetime
    received_at: datetime
    cleared_at: datetime | None = None
    flag: int = int(Flag.GOOD)
    check: int = 0
    signals: int = 1
    by_hand: bool = False
    story: tuple[Entry, ...] = ()


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm. `sensed_at` is the sensor's own time, `raised_at` when it stood in the records."""

    id: str
    bin: str
    kind: AlarmKind
    state: AlarmState
    sensed_at: datetime
    raised_at: datetime
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    escalation: int = 0
    escalated_at: datetime | None = None
    closed_at: datetime | None = None
    facts: Facts

    @property
    def doubtful(self) -> bool:
        """Whether the reading that raised it was not judged good: of a device in quarantine, or outside its range."""
        return self.facts.flag != Flag.GOOD

    @property
    def over(self) -> bool:
        """Whether the sensor says 0 again."""
        return self.facts.cleared_at is not None


class Holds(NamedTuple):
    """How long some 1s are not heard.

    `by_hand`: after a person closed an alarm whose sensor goes on saying 1. `history`: a 1 that comes this late is
    history, as an import of past days brings it; it stands in the telemetry.
    """

    by_hand: timedelta
    history: timedelta


class Step(NamedTuple):
    """What became of a signal: the alarm as it is now, and what happened."""

    alarm: Alarm
    happened: Happened


def signals_of(batch: Batch) -> Iterator[Signal]:
    """The alarm signals among judged rows, in stream order. A missing value says nothing; a time ahead of ours is cut to it."""
    wanted = np.array([name in ALARMS for _, name in batch.keys], bool)
    if not wanted.any():
        return
    rows = np.flatnonzero(wanted[batch.series] & ~np.isnan(batch.value))
    for row in rows.tolist():
        asset, name = batch.keys[batch.series[row]]
        received_us = int(batch.result_us[row])
        yield Signal(
            bin=asset,
            kind=ALARMS[name],
            on=bool(batch.value[row] >= ON),
            sensed_at=from_us(min(int(batch.time_us[row]), received_us)),
            received_at=from_us(received_us),
            flag=int(batch.flag[row]),
            check=int(batch.check[row]),
            seq=int(batch.seq[row]),
        )


def advance(current: Alarm | None, last: Alarm | None, signal: Signal, at: datetime, holds: Holds) -> Step | None:
    """What becomes of a signal; None when it changes nothing.

    Parameters
    ----------
    current : the alarm of this bin and kind that is not closed
    last : the newest closed one
    signal : what the sensor said
    at : now
    holds : how long some 1s are not heard
    """
    if not signal.on:
        return None if current is None or signal.flag == Flag.FAIL else _cleared(current, signal, at)
    if current is not None:
        return _repeated(current, signal, at)
    if signal.received_at - signal.sensed_at > holds.history or (last is not None and _belongs_to(last, signal, holds.by_hand)):
        return None
    return Step(_raised(signal, at), "raised")


def acknowledged(alarm: Alarm, by: str, note: str, at: datetime) -> Alarm:
    """The alarm with somebody who saw it; closed when the sensor says 0 already. A second time changes nothing."""
    if alarm.acknowledged_at is not None or alarm.state == "closed":
        return alarm
    seen = told(alarm, "acknowledged", at, by=by, note=note)
    seen = msgspec.structs.replace(seen, state="acknowledged", acknowledged_by=by, acknowledged_at=at)
    return _closed(seen, at) if seen.over else seen


def closed_by_hand(alarm: Alarm, by: str, note: str, at: datetime) -> Alarm:
    """The alarm closed by a person who looked: a burnt sensor never says 0. A second time changes nothing."""
    if alarm.state == "closed":
        return alarm
    seen = acknowledged(alarm, by, note, at)
    if seen.state == "closed":
        return seen
    facts = msgspec.structs.replace(seen.facts, by_hand=True)
    return _closed(msgspec.structs.replace(seen, facts=facts), at, by=by, note=note)


def escalated(alarm: Alarm, step: int, roles: tuple[str, ...], at: datetime) -> Alarm:
    """The alarm with one more step taken."""
    return msgspec.structs.replace(told(alarm, "escalated", at, roles=roles), escalation=step, escalated_at=at)


def told(alarm: Alarm, kind: EntryKind, at: datetime, *, by: str = "", note: str = "", roles: tuple[str, ...] = ()) -> Alarm:
    """The alarm with one more entry in its story."""
    story = alarm.facts.story
    entry = Entry(n=story[-1].n + 1 if story else 1, kind=kind, at=at, by=by, note=note, roles=roles)
    facts = msgspec.structs.replace(alarm.facts, story=(*story, entry)[-STORY_MAX:])
    return msgspec.structs.replace(alarm, facts=facts)


def _raised(signal: Signal, at: datetime) -> Alarm:
    facts = Facts(last_on_at=signal.sensed_at, received_at=signal.received_at, flag=signal.flag, check=signal.check)
    alarm = Alarm(
        id=f"{signal.kind}-{signal.bin}-{signal.sensed_at:%Y%m%dt%H%M%S}{signal.sensed_at.microsecond:06d}",
        bin=signal.bin,
        kind=signal.kind,
        state="open",
        sensed_at=signal.sensed_at,
        raised_at=at,
        facts=facts,
    )
    return told(alarm, "raised", at)


def _repeated(current: Alarm, signal: Signal, at: datetime) -> Step | None:
    facts = current.facts
    if signal.sensed_at <= facts.last_on_at:
        return None
    again = facts.cleared_at is not None and signal.sensed_at > facts.cleared_at
    new = msgspec.structs.replace(
        facts, last_on_at=signal.sensed_at, signals=facts.signals + 1, cleared_at=None if again else facts.cleared_at
    )
    alarm = msgspec.structs.replace(current, facts=new)
    return Step(told(alarm, "again", at), "again") if again else Step(alarm, "repeated")


def _cleared(current: Alarm, signal: Signal, at: datetime) -> Step | None:
    if current.over or signal.sensed_at < current.facts.last_on_at:
        return None
    facts = msgspec.structs.replace(current.facts, cleared_at=signal.sensed_at)
    alarm = told(msgspec.structs.replace(current, facts=facts), "cleared", at)
    return Step(alarm, "cleared") if alarm.acknowledged_at is None else Step(_closed(alarm, at), "closed")


def _belongs_to(last: Alarm, signal: Signal, hold: timedelta) -> bool:
    """Whether a 1 speaks of an alarm that is over: it came late, or its sensor goes on although a person has looked."""
    if last.facts.by_hand and last.closed_at is not None:
        return signal.sensed_at <= last.closed_at + hold
    return last.sensed_at <= signal.sensed_at <= (last.facts.cleared_at or last.facts.last_on_at)


def _closed(alarm: Alarm, at: datetime, *, by: str = "", note: str = "") -> Alarm:
    return msgspec.structs.replace(told(alarm, "closed", at, by=by, note=note), state="closed", closed_at=at)
