"""What becomes of a tap of a driver's phone: kept, known already, undone, or parked with the reason. Pure.

A phone may be hours without a network and then send everything at once, twice, and in any order. A tap is known by the
id the phone gave it, so that sending it again changes nothing. What contradicts a plan is kept all the same: the bin was
seen, whatever the plan says.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from dure.core.errors import InputError
from dure.core.time import parse_instant
from dure.services.waste.model import Sighting, SightingKind

TapState = Literal["kept", "known", "undone", "parked"]
CREW_KINDS: tuple[SightingKind, ...] = ("emptied", "level", "blocked", "broken")
LEVELS: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0, 1.1)
"""What a driver may say with one tap; more than 1: waste lies beside the bin."""
LEVEL_MAX = 1.25
CLOCK_AHEAD_MAX = timedelta(minutes=10)
"""A phone's clock may run ahead of ours by this; a tap from later is impossible."""
AGE_MAX = timedelta(days=14)
"""A phone that lay in a drawer for longer tells nothing of today's bins; its taps wait for an operator."""
NOTE_CHARS_MAX = 500
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{5,79}")
_NAME = re.compile(r"[A-Za-z0-9._:/-]{0,200}")


class Tap(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tap as a phone sends it. With `undoes` it takes an earlier one back and says nothing else; `wet`: never to be pressed."""

    id: str = ""
    bin: str = ""
    kind: str = ""
    seen_at: str = ""
    level: float | None = None
    truck: str = ""
    plan: str = ""
    photo: str = ""
    note: str = ""
    wet: bool = False
    undoes: str = ""


class TapAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one tap. `code` says why it was parked, or what the driver should know of one that was kept.

    `plan` is the plan in force instead, when the tap was made on one that is not (``plan.stale``).
    """

    id: str
    state: TapState
    code: str = ""
    why: str = ""
    plan: str = ""


class PlanSeen(msgspec.Struct, frozen=True):
    """A plan that a tap names: whether it is in force, and which one is instead."""

    state: str
    newer: str = ""


class Known(msgspec.Struct, frozen=True):
    """What the city knows when taps arrive: ids of bins and trucks, plans named, and sightings kept under the taps' ids."""

    bins: frozenset[str]
    plans: Mapping[str, PlanSeen] = {}
    kept: Mapping[str, Sighting] = {}


class Judged(msgspec.Struct, frozen=True):
    """The answer to a tap and what is to be kept of it; `undoes` is the id of a sighting that is taken back."""

    answer: TapAnswer
    sighting: Sighting | None = None
    undoes: str = ""


def judged(tap: Tap, known: Known, person: str, now: datetime) -> Judged:
    """What becomes of one tap.

    Parameters
    ----------
    tap : as sent
    known : what is kept already
    person : who is signed in on the phone
    now : when it arrived
    """
    try:
        _check_id(tap.id)
        if tap.undoes:
            return _undone(tap, known)
        sighting = sighting_of(tap, known.bins, person, now)
    except InputError as error:
        return Judged(TapAnswer(id=tap.id[:80], state="parked", code=error.code, why=error.message))
    before = known.kept.get(tap.id)
    if before is not None:
        return _again(tap, before, sighting)
    code, why, plan = _on_plan(tap.plan, known.plans)
    return Judged(TapAnswer(id=tap.id, state="kept", code=code, why=why, plan=plan), sighting)


def sighting_of(tap: Tap, bins: frozenset[str], person: str, now: datetime) -> Sighting:
    """The sighting a tap tells of.

    Raises
    ------
    InputError : the bin, the kind, the level or the time cannot be (``tap.…``)
    """
    kind = next((one for one in CREW_KINDS if one == tap.kind), None)
    if kind is None:
        raise InputError("tap.kind", f"{tap.kind[:40]!r} is nothing a crew does at a bin: {', '.join(CREW_KINDS)}.")
    if tap.bin not in bins:
        raise InputError("tap.bin_unknown", f"The bin {tap.bin[:80]!r} is not registered.")
    if kind == "level" and tap.level is None:
        raise InputError("tap.level", "A level seen must say which.")
    if tap.level is not None and not (math.isfinite(tap.level) and 0 <= tap.level <= LEVEL_MAX):
        raise InputError("tap.level", f"A level is from 0 to {LEVEL_MAX:g}, not {tap.level:g}.")
    if not all(_NAME.fullmatch(name) for name in (tap.truck, tap.plan, tap.photo)):
        raise InputError("tap.name", "The name of the truck, the plan or the photo cannot be one.")
    return Sighting(
        id=tap.id,
        bin=tap.bin,
        kind=kind,
        seen_at=_seen_at(tap.seen_at, now),
        level=None if tap.level is None else float(tap.level),
        received_at=now,
        person=person,
        truck=tap.truck,
        plan=tap.plan,
        photo=tap.photo,
        facts=_facts(tap),
    )


def _check_id(id_: str) -> None:
    if not _ID.fullmatch(id_):
        raise InputError("tap.id", "A tap needs an id of 6 to 80 letters, digits and signs, of its own.")


def _facts(tap: Tap) -> dict[str, Any]:
    note = "".join(one if one.isprintable() else " " for one in tap.note).strip()[:NOTE_CHARS_MAX]
    return ({"note": note} if note else {}) | ({"wet": True} if tap.wet else {})


def _seen_at(text: str, now: datetime) -> datetime:
    try:
        at = parse_instant(text)
    except InputError as error:
        raise InputError("tap.time", f"The time of the tap cannot be read: {error.message}") from error
    if at > now + CLOCK_AHEAD_MAX:
        raise InputError("tap.time_future", f"The tap says {text[:40]}, which has not come yet: the phone's clock is wrong.")
    if at < now - AGE_MAX:
        raise InputError("tap.time_old", f"The tap is from {text[:40]}, more than {AGE_MAX.days} days ago.")
    return min(at, now)


def _undone(tap: Tap, known: Known) -> Judged:
    before = known.kept.get(tap.undoes)
    if before is None:
        raise InputError("tap.unknown", f"There is no tap {tap.undoes[:80]!r} to be taken back.")
    if "undone_at" in before.facts:
        return Judged(TapAnswer(id=tap.id, state="known"))
    return Judged(TapAnswer(id=tap.id, state="undone"), undoes=tap.undoes)


def _again(tap: Tap, before: Sighting, now: Sighting) -> Judged:
    """A second tap of this id: the very same one is known; another is parked, for nothing seen may be lost."""
    if digest_of(before) == digest_of(now):
        return Judged(TapAnswer(id=tap.id, state="known"))
    why = f"Another tap was kept under the id {tap.id!r}: this one differs."
    return Judged(TapAnswer(id=tap.id, state="parked", code="tap.changed", why=why))


def digest_of(one: Sighting) -> str:
    """What makes a sighting the same one: where, what and how full; not when it arrived, nor the photo that followed."""
    said = f"{one.bin}\0{one.kind}\0{one.level}\0{one.truck}\0{one.plan}"
    return hashlib.sha256(said.encode()).hexdigest()


def _on_plan(plan: str, plans: Mapping[str, PlanSeen]) -> tuple[str, str, str]:
    if not plan:
        return "", "", ""
    seen = plans.get(plan)
    if seen is None:
        return "plan.unknown", f"There is no plan {plan[:80]!r}; the tap is kept without one.", ""
    if seen.state == "published":
        return "", "", ""
    why = "The tap is kept. Its plan is no longer in force"
    return "plan.stale", f"{why}; the newer one is {seen.newer}." if seen.newer else f"{why}.", seen.newer
