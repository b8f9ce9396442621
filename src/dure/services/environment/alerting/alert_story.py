"""What an alert tells the outside: its events, its decisions, and the words of its messages.

Pure: an alert with the last entry of its story in; values out.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

import msgspec

from dure import __version__
from dure.core.events import Decision, Event
from dure.core.text import Text, with_particle
from dure.core.time import format_instant, from_us
from dure.services.environment.alerting.alert_model import Alert, Entry
from dure.services.environment.alerting.alert_rules import AlertRule
from dure.services.environment.alerting.alert_words import at_level, moment
from dure.services.environment.alerting.alerts import State, Transition
from dure.services.environment.alerting.subscriptions import Story
from dure.services.environment.model import SERVICE

OPENED = "environment.alert.opened"
RAISED = "environment.alert.raised"
LOWERED = "environment.alert.lowered"
CLOSED = "environment.alert.closed"
ACKNOWLEDGED = "environment.alert.acknowledged"
ESCALATED = "environment.alert.escalated"
DECISION = "environment_alert"  # the kind of its decisions


def event_of(alert: Alert, unit: str, at: datetime) -> Event:
    """The event of the last thing that happened to an alert; its id says which, so that it is told once."""
    entry = alert.facts.story[-1]
    kind = entry.kind
    return Event(
        id=f"{alert.id}-{entry.n}",
        type=(
            OPENED
            if kind == "opened"
            else RAISED
            if kind == "raised"
            else LOWERED
            if kind == "lowered"
            else CLOSED
            if kind == "closed"
            else ACKNOWLEDGED
            if kind == "acknowledged"
            else ESCALATED
        ),
        source=f"dure/{SERVICE}",
        time=at,
        subject=alert.scope,
        data=_event_data(alert, entry, unit),
    )


def _event_data(alert: Alert, entry: Entry, unit: str) -> dict[str, Any]:
    data: dict[str, Any] = {"alert": alert.id, "transition": entry.n, "rule": alert.rule, "level": entry.after}
    data["before"] = entry.before
    if entry.start_us is not None:
        data |= {"period_start": format_instant(from_us(entry.start_us)), "value": entry.value, "limit": entry.limit}
        data |= {"unit": unit, "source": entry.source, "values": entry.values, "decision": entry.decision}
    if entry.reasons:
        data["reasons"] = msgspec.to_builtins(entry.reasons)
    if entry.roles:
        data["roles"] = list(entry.roles)
    return data


def decision_of(ident: str, rule: AlertRule, before: State, change: Transition) -> Decision:
    """Why the level changed: what was remembered and measured, the limit, the versions."""
    return Decision(
        id=ident,
        kind=DECISION,
        decided_at=change.at,
        inputs={
            "rule": rule.id,
            "scope": change.scope,
            "state": msgspec.to_builtins(before),
            "period_start": format_instant(from_us(change.start_us)),
            "values": change.values,
        },
        result={
            "before": change.before,
            "after": change.after,
            "source": change.source,
            "value": change.value,
            "limit": change.limit,
            "periods": change.periods,
        },
        reasons=tuple(one.en for one in change.reasons),
        versions={"dure": __version__, "rules": rule.version},
    )


def story_of(rule: AlertRule, alert: Alert, zone: tzinfo) -> Story:
    """The last thing that happened to an alert, as messages tell it: what, where, how much, since when, what to do."""
    entry = alert.facts.story[-1]
    place, level = alert.facts.name, entry.after
    return Story(
        title=_title(rule, place, entry),
        sentence=_sentence(alert, entry, zone),
        advice=_advice(rule, level),
        issuer=rule.row.issuer,
    )


def _title(rule: AlertRule, place: Text, entry: Entry) -> Text:
    level = entry.after
    what = at_level(rule, level)
    if entry.kind == "lowered":
        lower = rule.level(level).name
        lower = Text(with_particle(lower.ko, "으로/로"), lower.en)
        what = Text(
            f"{rule.row.name.ko}: {lower.ko} 낮아졌습니다",
            f"{rule.row.name.en}: down to {lower.en}",
        )
    mark = Text("확인 필요: ", "Please look: ") if entry.kind == "escalated" else Text("", "")
    return Text(f"{mark.ko}[{place.ko}] {what.ko}", f"{mark('en')}[{place('en')}] {what.en}")


def _sentence(alert: Alert, entry: Entry, zone: tzinfo) -> Text:
    place = alert.facts.name
    measured = next((one for one in reversed(alert.facts.story) if one.since_us is not None), entry)
    since = moment(alert.opened_at if measured.since_us is None else from_us(measured.since_us), zone)
    reasons = (*entry.reasons, *measured.reasons) if measured is not entry else entry.reasons
    ko = " ".join(one.ko for one in reasons)
    en = " ".join(one.en for one in reasons)
    return Text(f"{place.ko}, {since.ko}부터: {ko}", f"{place('en')}, since {since.en}: {en}")


def _advice(rule: AlertRule, level: int) -> Text:
    if level == 0:
        return Text("평소처럼 지내셔도 됩니다.", "You can go on as usual.")
    return rule.level(level).advice
