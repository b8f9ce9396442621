"""Measures that shall save: what, where, from when, and the baseline of each meter, frozen before it begins. Pure.

A measure whose baseline was frozen after it had begun is *retrospective*: what it saved is told, and credited nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, Literal

import msgspec

from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.services.buildings.baselines.models import Kind
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import Meter
from dure.services.buildings.reads.model import Book

State = Literal["planned", "running", "ended", "withdrawn"]
STATES: tuple[State, ...] = ("planned", "running", "ended", "withdrawn")
WORKS: Mapping[str, Text] = {
    "led": Text("LED 조명 교체", "LED lighting"),
    "heat_pump": Text("히트펌프 교체", "Heat pump"),
    "boiler": Text("보일러 교체", "Boiler replacement"),
    "insulation": Text("단열·창호", "Insulation and windows"),
    "schedule": Text("운전 시간 조정", "Operating schedule"),
    "controls": Text("자동 제어", "Controls"),
    "ventilation": Text("환기 설비", "Ventilation"),
    "behaviour": Text("사용자 실천", "Behaviour"),
    "other": Text("기타", "Other"),
}
METERS_MAX = 20
NOTE_MAX = 2_000


class MeterBaseline(msgspec.Struct, frozen=True, kw_only=True):
    """The frozen baseline of one meter.

    Attributes
    ----------
    model : id of the frozen fit; start_day, end_day : local days ``[start, end)`` it was fitted to
    readings_sha256 : of all that stood on the books of that span when it was frozen; weather_sha256 likewise
    missed, held : (n_folds,) what models missed in folds of weeks they had not seen [book unit], and weeks in each fold
    dealt, weeks : weeks (or bills) that were dealt, and those of them that are whole
    goodness : of the fit, as `modelling.goodness.Goodness`
    """

    meter: str
    fuel: Fuel
    book: Book
    kind: Kind
    model: str
    start_day: str
    end_day: str
    coverage: float
    readings_sha256: str
    weather_sha256: str
    missed: tuple[float, ...]
    held: tuple[float, ...]
    dealt: int
    weeks: int
    goodness: dict[str, float]
    sources: tuple[dict[str, Any], ...] = ()


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """A measure in a building.

    Attributes
    ----------
    begins_on : first local day it saves; ends_on : last day + 1, empty while it runs
    frozen_at : when its baseline was frozen; known_at : the readings were taken as known then
    static : facts that were the same all through the baseline (area, hours, equipment); a change of them is told in `note`
    credited_until : up to which day a saving was verified for the carbon ledger; empty: none
    """

    id: str
    building: str
    name: Text
    work: str
    state: State
    begins_on: date
    person: str
    made_at: datetime
    changed_at: datetime
    frozen_at: datetime
    known_at: datetime
    baselines: tuple[MeterBaseline, ...]
    ends_on: date | None = None
    retrospective: bool = False
    static: str = ""
    note: str = ""
    credited_until: date | None = None

    @property
    def meters(self) -> tuple[str, ...]:
        """Its meters."""
        return tuple(one.meter for one in self.baselines)

    def state_on(self, day: date) -> State:
        """What it is on a day, from its dates."""
        if self.state == "withdrawn":
            return "withdrawn"
        if self.ends_on is not None and day >= self.ends_on:
            return "ended"
        return "running" if day >= self.begins_on else "planned"

    def reports_until(self, day: date) -> date:
        """Up to which day its saving may be told on a day."""
        return min(day, self.ends_on) if self.ends_on else day


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks to freeze: days are local, `baseline_end` is not in the baseline."""

    building: str
    name: Text
    work: str
    meters: tuple[str, ...]
    begins_on: date
    baseline_start: date
    baseline_end: date
    kind: Literal["auto", "hourly", "daily", "billing"] = "auto"
    static: str = ""
    note: str = ""
    late: bool = False


def checked(wanted: Wanted, meters: Mapping[str, str], today: date, span_d_min: int) -> Wanted:
    """The wish, if it can be frozen; `meters` of the register with their building.

    Raises
    ------
    InputError : ``measure.work``, ``measure.name``, ``measure.meter``, ``measure.span``, ``measure.baseline_short``
    Conflict : ``measure.late`` when it has begun and `late` is not said
    """
    if wanted.work not in WORKS:
        raise InputError("measure.work", f"{wanted.work[:40]!r} is none of {', '.join(WORKS)}.")
    if not wanted.name.ko.strip() or len(wanted.static) > NOTE_MAX or len(wanted.note) > NOTE_MAX:
        raise InputError("measure.name", f"A measure needs a name in Korean, and texts of at most {NOTE_MAX} characters.")
    if not 0 < len(set(wanted.meters)) <= METERS_MAX or len(set(wanted.meters)) != len(wanted.meters):
        raise InputError("measure.meter", f"Name 1 to {METERS_MAX} meters, each once.")
    for one in wanted.meters:
        if meters.get(one) != wanted.building:
            raise InputError("measure.meter", f"{one[:80]!r} is no meter of the building {wanted.building[:80]!r}.")
    if not wanted.baseline_start < wanted.baseline_end <= wanted.begins_on:
        raise InputError("measure.span", "A baseline begins before it ends, and ends on or before the day the measure begins.")
    if wanted.baseline_end > today:
        raise InputError("measure.span", "A baseline is frozen from days that are over.")
    days = (wanted.baseline_end - wanted.baseline_start).days
    if days < span_d_min:
        raise InputError(
            "measure.baseline_short", f"A baseline of {days} days has not seen every season: at least {span_d_min} are needed."
        )
    if wanted.begins_on <= today and not wanted.late:
        raise Conflict(
            "measure.late",
            f"The measure began on {wanted.begins_on}: a baseline is frozen before. It may be entered as retrospective, "
            "then what it saves is told and credited nowhere.",
        )
    return wanted


def unshared(wanted: Wanted, meters: Mapping[str, Meter], others: Iterable[Measure]) -> Wanted:
    """The wish, if nothing of it would be counted twice: no meter with its own sub-meter, none that another measure has.

    Raises
    ------
    InputError : ``measure.meter`` when a main meter and a sub-meter of one fuel are named together
    Conflict : ``measure.overlaps`` when another measure acts on a meter in days of the baseline or of the measure
    """
    own = [meters[one] for one in wanted.meters]
    for one in own:
        if any(_within(other, one) for other in own):
            raise InputError("measure.meter", f"{one.id} is part of another meter of the measure: name one of the two.")
    for other in others:
        if other.state == "withdrawn" or (other.ends_on is not None and other.ends_on <= wanted.baseline_start):
            continue
        theirs = [meters[one] for one in other.meters if one in meters]
        touched = [one for one in own if any(one.id == each.id or _within(one, each) or _within(each, one) for each in theirs)]
        if touched and (other.ends_on is None or other.ends_on > wanted.begins_on or other.begins_on > wanted.baseline_start):
            raise Conflict(
                "measure.overlaps",
                f"The measure {other.id} acts on {touched[0].id} from {other.begins_on} on. End it first, and take a baseline "
                "that is all before it or all within it: a saving is credited once.",
            )
    return wanted


def _within(whole: Meter, part: Meter) -> bool:
    """Whether a meter counts what passes a main meter of its building, too."""
    return whole.part == "main" and part.part == "sub" and (whole.building, whole.fuel) == (part.building, part.fuel)


def withdrawn(measure: Measure, why: str, at: datetime) -> Measure:
    """The measure, withdrawn; refused with ``measure.state`` when it was already, or a saving of it was verified."""
    if measure.state == "withdrawn":
        raise Conflict("measure.state", f"{measure.id} is withdrawn already.")
    if measure.credited_until is not None:
        raise Conflict("measure.state", f"A saving of {measure.id} was verified: end it instead.")
    note = "\n".join(one for one in (measure.note, why.strip()[:NOTE_MAX]) if one)
    return msgspec.structs.replace(measure, state="withdrawn", note=note, changed_at=at)


def ended(measure: Measure, on: date, why: str, at: datetime) -> Measure:
    """The measure, which counts up to a day; refused with ``measure.state`` or ``measure.span``."""
    if measure.state in {"withdrawn", "ended"}:
        raise Conflict("measure.state", f"{measure.id} is {measure.state} already.")
    if on <= measure.begins_on:
        raise InputError("measure.span", "A measure ends after it begins.")
    if measure.credited_until is not None and on < measure.credited_until:
        raise InputError("measure.span", f"A saving was verified up to {measure.credited_until}: it cannot end before.")
    note = "\n".join(one for one in (measure.note, why.strip()[:NOTE_MAX]) if one)
    return msgspec.structs.replace(measure, state="ended", ends_on=on, note=note, changed_at=at)
