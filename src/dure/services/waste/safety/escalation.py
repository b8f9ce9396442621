"""Escalation: an alarm nobody acknowledged goes to the next people. Pure: alarms, the hour and the steps in, what is due out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

import msgspec

from dure.core.access import Role
from dure.core.errors import ConfigError
from dure.core.text import Language
from dure.services.waste.model import AlarmKind
from dure.services.waste.rules import Rule, load_pack
from dure.services.waste.safety.alarms import Alarm, Holds
from dure.spine.post import is_secret


class StepRow(Rule, frozen=True, kw_only=True):
    """Whom an alarm of a kind is told to when nobody acknowledged it for so many minutes."""

    kind: AlarmKind
    step: int
    after_min: int
    roles: tuple[Role, ...]


class HoldRow(Rule, frozen=True, kw_only=True):
    """How long something is not heard [h]."""

    after_h: float


class Receiver(Rule, frozen=True, kw_only=True):
    """Somebody outside Dure who is told of the steps that name one of the roles.

    `secret` (``whsec_`` and at least 24 bytes in base64) is known to the city and the receiver of a webhook alone: with it the
    messages are signed as Standard Webhooks says; without it they are not.
    """

    channel: Literal["email", "webhook"]
    target: str
    roles: tuple[Role, ...]
    language: Language = "ko"
    secret: str = ""


class Policy(msgspec.Struct, frozen=True):
    """What is in force on a day."""

    steps: tuple[StepRow, ...]
    holds: Holds
    receivers: tuple[Receiver, ...] = ()

    def told_of(self, roles: Iterable[str]) -> list[Receiver]:
        """Who outside Dure is told of a step for these roles."""
        wanted = set(roles)
        return [one for one in self.receivers if wanted.intersection(one.roles)]


class Due(msgspec.Struct, frozen=True):
    """A step that is due: whom to tell, and since when."""

    alarm: str
    step: int
    roles: tuple[Role, ...]
    due_at: datetime


@lru_cache(64)
def escalation_policy(day: date, folder: Path | None = None) -> Policy:
    """The steps, holds and receivers in force on a day; a city's own pack wins.

    Raises
    ------
    ConfigError
        ``rules.invalid`` when the steps of a kind contradict each other or a secret is none, else as `load_pack` does
    """
    pack = load_pack("escalation", folder)
    steps = sorted(pack.rows("steps", StepRow, day), key=lambda one: (one.kind, one.step))
    for before, after in pairwise(steps):
        if before.kind == after.kind and not (before.step < after.step and before.after_min <= after.after_min):
            raise ConfigError("rules.invalid", f"{pack.file}: the steps of {after.kind} do not follow one another.")
    holds = Holds(*(timedelta(hours=pack.row("holds", name, HoldRow, day).after_h) for name in Holds._fields))
    receivers = pack.rows("receivers", Receiver, day) if pack.as_of(day).get("receivers") else ()
    for one in receivers:
        if one.secret and not is_secret(one.secret):
            raise ConfigError(
                "rules.invalid", f"{pack.file}: the secret of {one.id} must be whsec_ and 24 to 64 bytes in base64."
            )
    return Policy(tuple(steps), holds, receivers)


def due_steps(alarms: Iterable[Alarm], now: datetime, policy: Policy) -> list[Due]:
    """The steps of every alarm whose time has come and that were not taken, the newest of each alarm, the longest due first.

    Parameters
    ----------
    alarms : those that are not closed
    now : aware instant
    """
    found = [due for one in alarms if (due := _due(one, now, policy)) is not None]
    return sorted(found, key=lambda due: (due.due_at, due.alarm))


def _due(alarm: Alarm, now: datetime, policy: Policy) -> Due | None:
    """The last step that is due; steps that were missed while nobody watched are told with it."""
    if alarm.state != "open":
        return None
    begun = alarm.raised_at
    rows = [one for one in policy.steps if one.kind == alarm.kind and one.step > alarm.escalation]
    rows = [one for one in rows if begun + timedelta(minutes=one.after_min) <= now]
    if not rows:
        return None
    roles = tuple(dict.fromkeys(role for one in rows for role in one.roles))
    return Due(alarm.id, rows[-1].step, roles, begun + timedelta(minutes=rows[-1].after_min))
