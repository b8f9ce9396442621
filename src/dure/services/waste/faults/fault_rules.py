"""Limits of the detectors, service levels and re-tests, as typed rows of ``rules/faults.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dure.core.text import Text
from dure.services.waste.faults.findings import Fault
from dure.services.waste.rules import Rule, load_pack


class StuckRow(Rule, frozen=True, kw_only=True):
    """A level that does not move. See `stuck.stuck`."""

    same: float
    readings_least: int
    hours_least: float
    longest_times: float
    repeats_least: float
    chance_most: float
    unknown_h: float
    full_from: float
    empty_to: float
    emptied_level: float
    emptied_readings: int
    emptied_readings_brim: int
    rise_least: float
    empty_rise_least: float


class SilenceRow(Rule, frozen=True, kw_only=True):
    """A sensor that says nothing. See `silence.silent` and `silence.outages`."""

    hours_least: float
    periods: float
    readings_least: int
    period_unknown_h: float
    outage_share: float
    outage_bins: int
    outage_within_h: float
    outage_before_h: float
    outage_overdue: float
    outage_hold_h: float


class JumpRow(Rule, frozen=True, kw_only=True):
    """A level that leaps about. See `jumps.jumping`.

    Attributes
    ----------
    step_near, step_far : between the kinds of step: far down, down, about the same, up, far up [1]
    scatter_times : steps are at least so many deviations of its scatter
    share_leaping, share_usual : of these kinds among the steps of a sensor that leaps, and of one that does not
    borrowed : as many usual steps are added to those of the bin
    """

    hours: float
    readings_least: int
    leaps_least: int
    falls_least: int
    step_near: float
    step_far: float
    scatter_times: float
    share_leaping: tuple[float, float, float, float, float]
    share_usual: tuple[float, float, float, float, float]
    borrowed: float
    weight_least: float
    own_times: float


class BatteryRow(Rule, frozen=True, kw_only=True):
    """A battery that runs empty. See `battery.low_battery`."""

    low: float
    empty_within_d: float
    fall_least: float
    own_times: float
    own_times_two_days: float
    scatter_times: float
    history_d: float
    readings_least: int
    hours_least: int


class BlockedRow(Rule, frozen=True, kw_only=True):
    """Something sits before the sensor, or it is dirty. See `blocked.blocked`."""

    high: float
    rise_least: float
    own_times: float
    within_h: float
    stays_h: float
    far_rise_least: float
    far_own_times: float
    far_stays_h: float
    calm_readings: int
    calm_weight: float
    calm_weight_alone: float
    calmest_times: float
    scatter_least: float
    presses_least: int
    still_h: float
    still_rise: float
    floor: float
    brim: float
    drop_least: float
    settle_h: float


class CompactionRow(Rule, frozen=True, kw_only=True):
    """A compactor that does not compact. See `compaction.not_compacting`."""

    trigger: float
    waits_h: float
    readings_least: int
    presses_at: float
    effect_least: float
    count_least: int
    effect_count: int
    effect_within_h: float
    brim_readings: int
    brim_scatter: float
    brim_least: float
    emptied_below: float


class ContradictionRow(Rule, frozen=True, kw_only=True):
    """People see a full bin beside a sensor that says it is not. See `contradiction.contradicted`."""

    overflow: float
    difference: float
    not_full: float
    within_h: float
    hours: float
    far: float
    crew_weight: float
    near_weight: float
    citizen_weight: float
    weight_least: float


class ServiceRow(Rule, frozen=True, kw_only=True):
    """What follows from a fault.

    Attributes
    ----------
    name : the fault in words
    working_days : until it is due
    distrusts : whether the level of the bin is believed while a ticket is open
    readings_least, hours_least : after a repair, before it can be judged
    patience_h : when nothing that could be judged came after the repair for so long, the ticket is opened again
    gone_h : not seen for so long, and passing the re-test: closed as gone by itself; 0 = a person closes it
    """

    fault: Fault
    name: Text
    working_days: int
    distrusts: bool
    readings_least: int
    hours_least: float
    patience_h: float
    gone_h: float


class HoldRow(Rule, frozen=True, kw_only=True):
    """How long a fault that a person called a false alarm is not opened again [h]."""

    after_h: float


class HolidayRow(Rule, frozen=True, kw_only=True):
    """A day on which nobody repairs: `month` and `day` of every year, or of one `year`."""

    month: int
    day: int
    year: int | None = None


class FaultRules(NamedTuple):
    """Everything in force on a day."""

    stuck: StuckRow
    silence: SilenceRow
    jumps: JumpRow
    battery: BatteryRow
    blocked: BlockedRow
    compaction: CompactionRow
    contradiction: ContradictionRow
    service: Mapping[str, ServiceRow]
    false_alarm_h: float
    holidays: tuple[HolidayRow, ...]
    version: str


@lru_cache(64)
def fault_rules(day: date, folder: Path | None = None) -> FaultRules:
    """The rows in force on a day; a city's own pack wins. Refused as `load_pack` does."""
    pack = load_pack("faults", folder)
    return FaultRules(
        pack.row("stuck", "stuck", StuckRow, day),
        pack.row("silence", "silence", SilenceRow, day),
        pack.row("jumps", "jumps", JumpRow, day),
        pack.row("battery", "battery", BatteryRow, day),
        pack.row("blocked", "blocked", BlockedRow, day),
        pack.row("compaction", "compaction", CompactionRow, day),
        pack.row("contradiction", "contradiction", ContradictionRow, day),
        {one.fault: one for one in pack.rows("service", ServiceRow, day)},
        pack.row("holds", "false_alarm", HoldRow, day).after_h,
        pack.rows("holidays", HolidayRow, day) if pack.as_of(day).get("holidays") else (),
        f"{pack.id}@{pack.version}",
    )
