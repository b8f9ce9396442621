"""Escalation: an alert nobody acknowledged goes to the next role; low levels wait for the morning.

Pure: alerts, the hour and the policy in, what is due out.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo

import msgspec

from dure.core.access import Role
from dure.core.text import Text
from dure.services.environment.alerting.alert_rules import Policy, QuietRow, StepRow


class Waiting(msgspec.Struct, frozen=True):
    """An open alert as its clock sees it: `alarmed_at` is when it opened or last rose, `done` the steps already taken."""

    alert: str
    level: int
    alarmed_at: datetime
    done: int
    acknowledged: bool = False


class Due(msgspec.Struct, frozen=True):
    """A step that is due: whom to tell, since when, and why."""

    alert: str
    step: int
    roles: tuple[Role, ...]
    due_at: datetime
    reason: Text


def due_escalations(alerts: Iterable[Waiting], now: datetime, policy: Policy, zone: tzinfo) -> list[Due]:
    """The next step of every alert whose time has come, in order of that time.

    Parameters
    ----------
    alerts : open alerts
    now : aware instant
    policy : steps by level, and quiet hours
    zone : the city's time zone, in which quiet hours are told
    """
    found = [due for one in alerts if (due := next_step(one, policy, zone)) is not None and due.due_at <= now]
    return sorted(found, key=lambda due: (due.due_at, due.alert))


def next_step(waiting: Waiting, policy: Policy, zone: tzinfo) -> Due | None:
    """The next step of an alert and when it comes; None when somebody acknowledged it or no step is left."""
    if waiting.acknowledged:
        return None
    steps = sorted((one for one in policy.steps if one.level == waiting.level), key=lambda one: one.step)
    row = next((one for one in steps if one.step > waiting.done), None)
    if row is None:
        return None
    due_at = after_quiet(waiting.alarmed_at + timedelta(minutes=row.after_min), waiting.level, policy.quiet, zone)
    return Due(waiting.alert, row.step, row.roles, due_at, _reason(row))


def after_quiet(at: datetime, level: int, quiet: Iterable[QuietRow], zone: tzinfo) -> datetime:
    """The instant itself, or the end of the quiet hours it falls into when the level may wait."""
    for row in quiet:
        local = at.astimezone(zone)
        if level > row.level_max or not _inside(local.hour, row):
            continue
        day = local.date()
        if row.start_h > row.end_h and local.hour >= row.start_h:
            day += timedelta(days=1)
        return datetime(day.year, day.month, day.day, row.end_h, tzinfo=zone).astimezone(at.tzinfo)
    return at


def _inside(hour: int, row: QuietRow) -> bool:
    if row.start_h <= row.end_h:
        return row.start_h <= hour < row.end_h
    return hour >= row.start_h or hour < row.end_h


def _reason(row: StepRow) -> Text:
    return Text(f"{row.after_min}분 동안 아무도 확인하지 않았습니다.", f"Nobody acknowledged it for {row.after_min} minutes.")
