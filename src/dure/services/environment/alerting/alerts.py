"""Alerts as state machines: a level is reached after periods in a row and left at another limit, so that nothing flaps.

대기오염경보 is such a machine by law: 주의보 at PM10 >= 150 ug/m3 for two hours, ended below 100; the rows stand in
``rules/air_warning.toml``. Levels of weather, river grades, noise and findings of the network follow the same machine with
rows of their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.core.time import US_PER_S
from dure.services.environment.alerting.alert_rules import AlertRule
from dure.services.environment.alerting.alert_words import lowered_because, missed_hours, raised_because

MEAN = "mean"  # the source that stands for the mean of a zone
NEVER_US = -(2**62)

Kind = Literal["opened", "raised", "lowered", "closed"]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one place in one period.

    Attributes
    ----------
    rule, scope : id of the rule; id of the zone or asset it is asked for
    start_us : start of the period [us since 1970 UTC]
    values : value of each source [unit of the rule]: station ids, and `MEAN` for the mean of the zone; None or NaN = missing.
        Only values that are believed belong here (flags 1 and, where the caller says so, 3).
    """

    rule: str
    scope: str
    start_us: int
    values: Mapping[str, float | None]


class State(msgspec.Struct, frozen=True):
    """What a rule remembers of a place.

    Attributes
    ----------
    level : 0 none, 1 the lowest
    start_us : start of the last period judged [us]
    runs : source -> periods in a row at or past the limit of each level
    calm : periods in a row in which every value was past the end of each level
    since_us : start of the first period of the present level [us]
    silent_n : periods in a row without any value
    """

    level: int = 0
    start_us: int = NEVER_US
    runs: dict[str, tuple[int, ...]] = {}  # msgspec copies an empty default for every instance
    calm: tuple[int, ...] = ()
    since_us: int = NEVER_US
    silent_n: int = 0


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """A change of level, with what it was decided from.

    Attributes
    ----------
    before, after : level
    start_us, since_us : start of the period that decided, and of the first of the periods in a row [us]
    at : when it was decided
    values : every value of the period, None = missing
    source, value : the source that decided and its value [unit of the rule]
    limit, periods : the limit compared with, and how many periods in a row [unit of the rule; 1]
    """

    rule: str
    scope: str
    before: int
    after: int
    start_us: int
    since_us: int
    at: datetime
    values: dict[str, float | None]
    source: str
    value: float
    limit: float
    periods: int
    reasons: tuple[Text, ...]
    version: str

    @property
    def kind(self) -> Kind:
        """What happened."""
        if self.before == 0:
            return "opened"
        if self.after == 0:
            return "closed"
        return "raised" if self.after > self.before else "lowered"


def step(rule: AlertRule, state: State, measured: Measured, at: datetime) -> tuple[State, Transition | None]:
    """The state after one more period, and the change of level if there is one.

    A period seen before, or older than the last one judged, changes nothing. A level is reached when one source was at or
    past its limit for `on_n` periods in a row, and left when every value there is was past its end for `off_n`; in one
    period the level goes as far up or down as the values say. A period without a value keeps the level and breaks the count.

    Parameters
    ----------
    rule : the rule with its levels, as in force on the day of the period
    state : what it remembers of this place
    measured : the values of the period
    at : the instant of the decision
    """
    if measured.start_us <= state.start_us:
        return state, None
    values = {name: _number(value) for name, value in sorted(measured.values.items())}
    present = {name: value for name, value in values.items() if value is not None}
    gap_n = _gap(rule, state, measured.start_us)
    before = min(state.level, len(rule.levels))
    runs = _runs(rule, state, present, gap_n)
    calm = _calm(rule, state, present.values(), gap_n)
    after = _level(rule, before, runs, calm) if present else before
    silent_n = 0 if present else state.silent_n + gap_n + 1
    since_us = state.since_us if after == before else measured.start_us
    new = State(after, measured.start_us, runs, calm, since_us, silent_n)
    if after == before:
        return new, None
    return new, _transition(rule, measured, (before, after), new, at, gap_n)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _gap(rule: AlertRule, state: State, start_us: int) -> int:
    """Periods between the last one judged and this one, of which nothing was heard."""
    if state.start_us == NEVER_US:
        return 0
    return max(0, (start_us - state.start_us) // (rule.row.period_s * US_PER_S) - 1)


def _sign(rule: AlertRule) -> int:
    return 1 if rule.row.direction == "above" else -1


def _runs(rule: AlertRule, state: State, present: Mapping[str, float], gap_n: int) -> dict[str, tuple[int, ...]]:
    """Periods in a row at or past the limit of each level, by source; sources at none are left out."""
    keep, sign, none = rule.row.missing == "keeps_count", _sign(rule), (0,) * len(rule.levels)
    found: dict[str, tuple[int, ...]] = {}
    for name in {*state.runs, *present}:
        known = state.runs.get(name, none)
        if len(known) != len(none) or (gap_n and not keep):
            known = none
        if name in present:
            past = (sign * present[name] >= sign * one.on for one in rule.levels)
            known = tuple(min(n + 1, one.on_n) if yes else 0 for n, one, yes in zip(known, rule.levels, past, strict=True))
        elif not keep:
            known = none
        if any(known):
            found[name] = known
    return dict(sorted(found.items()))


def _calm(rule: AlertRule, state: State, present: Iterable[float], gap_n: int) -> tuple[int, ...]:
    """Periods in a row in which every value there was, was past the end of each level."""
    keep, sign, none = rule.row.missing == "keeps_count", _sign(rule), (0,) * len(rule.levels)
    known = state.calm if len(state.calm) == len(none) and (keep or not gap_n) else none
    worst = max((sign * value for value in present), default=None)
    if worst is None:
        return known if keep else none
    return tuple(min(n + 1, one.off_n) if worst < sign * one.off else 0 for n, one in zip(known, rule.levels, strict=True))


def _level(rule: AlertRule, before: int, runs: Mapping[str, tuple[int, ...]], calm: tuple[int, ...]) -> int:
    reached = [one.level for i, one in enumerate(rule.levels) if any(run[i] >= one.on_n for run in runs.values())]
    level = max([before, *reached])
    while level > 0 and calm[level - 1] >= rule.level(level).off_n:
        level -= 1
    return level


def _transition(rule: AlertRule, measured: Measured, levels: tuple[int, int], new: State, at: datetime, gap_n: int) -> Transition:
    before, after = levels
    sign = _sign(rule)
    values = {name: _number(value) for name, value in sorted(measured.values.items())}
    present = {name: value for name, value in values.items() if value is not None}
    if after > before:
        row = rule.level(after)
        sources = [name for name, run in new.runs.items() if run[after - 1] >= row.on_n and name in present] or list(present)
        limit, periods = row.on, row.on_n
    else:
        row = rule.level(after + 1)
        sources = list(present)
        limit, periods = row.off, row.off_n
    source = max(sources, key=lambda name: (sign * present[name], name != MEAN, name))
    length_us = rule.row.period_s * US_PER_S
    because = raised_because if after > before else lowered_because
    reasons = [because(rule, levels, present[source], mean=source == MEAN), *missed_hours(rule, values, gap_n)]
    return Transition(
        rule=rule.id,
        scope=measured.scope,
        before=before,
        after=after,
        start_us=measured.start_us,
        since_us=measured.start_us - (periods - 1) * length_us,
        at=at,
        values=values,
        source=source,
        value=present[source],
        limit=limit,
        periods=periods,
        reasons=tuple(reasons),
        version=rule.version,
    )
