"""Limits of the detectors, service levels and holidays, as typed rows of ``rules/finding.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from dure.services.buildings.finding.findings import KINDS, Kind
from dure.services.buildings.rules import Pack, Rule, load_pack


class LikenessRow(Rule, frozen=True, kw_only=True):
    """When an earlier hour is alike. See `likeness.alike`.

    Attributes
    ----------
    temperature_k, warmth_k : differences that add up to 1 at most, of the hour and of the 24 hours before it [K]
    alike_least : hours that are needed
    days_without_weather : where no temperature is known, days that are compared with
    """

    temperature_k: float
    warmth_k: float
    alike_least: int
    days_without_weather: int


class BaseRow(Rule, frozen=True, kw_only=True):
    """A surplus that is on all the time. See `surplus`, `night_base` and `leak`.

    Attributes
    ----------
    night_from, night_to : local hours of which the night's use is the mean, of `night_days` days before [h]
    hours : local hours that are judged [h]: by night, as outdoor lights that follow the sun would look like a surplus at dawn
    share : of the night's use: the unit of levels [1]
    spread_added : what no hour is surer than, in units [1]
    clip : deviations beyond which an hour is an event of its own and decides nothing [1]
    evidence_least : twice the log likelihood ratio that is a finding, if the whole days say so too (`always_on`)
    evidence_alone : of a finding where the past is too short for these
    evidence_step : of a step
    unlike_most : that workdays by day may differ from alike ones beside the surplus, either way [1]
    usual_times : times the most that windows of its own past showed by chance; usual_windows : weeks that are looked at
    level_least, step_level : surplus from which it is a finding, and a step (a leak) [unit]
    window_days, days_least : days it is judged by, and of them those that must speak for it
    step_days : days a step is judged by
    history_days : days of history that are needed
    look_days : how far back its begin is looked for
    """

    night_from: int
    night_to: int
    night_days: int
    hours: tuple[int, ...]
    share: float
    spread_added: float
    clip: float
    evidence_least: float
    evidence_alone: float
    evidence_step: float
    unlike_most: float
    usual_times: float
    usual_windows: int
    level_least: float
    step_level: float
    window_days: int
    days_least: int
    step_days: int
    history_days: int
    look_days: int


class UsualRow(Rule, frozen=True, kw_only=True):
    """What whole days should use. See `usual_days.usual`.

    Attributes
    ----------
    temperature_k, warmth_k : one deviation of likeness, of the hour's temperature and of the 24 hours before it [K]
    apart_days : nearer days are not compared with
    days_without_weather : where no temperature is known, days that are compared with
    weight_least : likeness that is needed, 1 for each day of the same weather
    ridge : draws the slope of the regression to none [1]
    """

    temperature_k: float
    warmth_k: float
    apart_days: int
    days_without_weather: int
    weight_least: float
    ridge: float


class ScoreRow(UsualRow, frozen=True, kw_only=True):
    """An estimate by what varies together, measured by the meter's own past.

    Attributes
    ----------
    clip : deviations at which an hour is bounded [1]
    shrink : of the correlation of hours, to none [1]
    day_variance : of a day's estimate beside that of its hours [its unit^2]
    winsorised : share of its own windows that is not bounded
    windows_least : windows of its own that are needed
    own_least : the least that its own windows are taken to vary by, in deviations [1]
    score_least : from which it is a finding [1]
    """

    clip: float
    shrink: float
    day_variance: float
    winsorised: float
    windows_least: int
    own_least: float
    score_least: float


class SteadyRow(ScoreRow, frozen=True, kw_only=True):
    """A surplus that is on all day. See `always_on`.

    Attributes
    ----------
    spread_added : what no hour is surer than, in units [1]
    scale_days : days before of which the night's use is the unit
    week_k : one deviation of likeness of weeks [K]
    """

    spread_added: float
    scale_days: int
    week_k: float


class OffRow(ScoreRow, frozen=True, kw_only=True):
    """Days off that run as workdays. See `days_off`.

    Attributes
    ----------
    spread_share : what no hour is surer than, of the distance between day off and workday [1]
    place_most : how far beyond a day off (0) a day is counted, either way; 1 is a workday
    span_days : within which the days of a window lie
    days_off_least : days off before that are needed
    """

    spread_share: float
    place_most: float
    span_days: int
    days_off_least: int


class FlowRow(Rule, frozen=True, kw_only=True):
    """Water or gas that never stops. See `leak.never_still`.

    Attributes
    ----------
    nights : nights in a row in which no hour was still
    still_share : of nights before, in which an hour was still [1]
    history_days : days before that are looked at
    """

    nights: int
    still_share: float
    history_days: int


class WeekendRow(Rule, frozen=True, kw_only=True):
    """Days off that run as workdays. See `weekend`.

    Attributes
    ----------
    contrast_least : of workday against day off, in the hours in which they differ [1]
    level_least : 0 as on days off, 1 as on workdays
    evidence_least : twice the log likelihood ratio that is a finding, if the whole days say so too (`days_off`)
    evidence_alone : of a finding where the past is too short for these
    unlike_most : more than alike that workdays of the week may use; above, it is the week, not the schedule [1]
    spread_share : what no hour is surer than, of the distance between day off and workday [1]
    clip : deviations beyond which an hour speaks for neither [1]
    window_days, days_least : how many of the last days off are judged, and within how many days they lie
    history_days : days of history that are needed
    """

    contrast_least: float
    level_least: float
    evidence_least: float
    evidence_alone: float
    unlike_most: float
    spread_share: float
    clip: float
    window_days: int
    days_least: int
    history_days: int


class StuckRow(Rule, frozen=True, kw_only=True):
    """A meter whose use does not change. See `stuck`.

    Attributes
    ----------
    same_share : differences within this share of the mean are none [1]
    hours_least : in a row; longest_times : times the longest such run before
    history_days : days of history that are needed
    zero_hours_least : of no use at all, where that is unusual
    zero_share_most : of hours before without use [1]
    """

    same_share: float
    hours_least: int
    longest_times: float
    history_days: int
    zero_hours_least: int
    zero_share_most: float


class DriftRow(Rule, frozen=True, kw_only=True):
    """Start or stop that moved. See `schedule_drift`.

    Attributes
    ----------
    shift_h_least : that is a finding [h]; deviations : of the meter's own days
    contrast_least : of day against night [1]
    window_days, days_least, history_days : workdays that are judged, needed, and compared with
    """

    shift_h_least: float
    deviations: float
    contrast_least: float
    window_days: int
    days_least: int
    history_days: int


class MissingRow(Rule, frozen=True, kw_only=True):
    """Readings or months that are not there. See `missing`.

    Attributes
    ----------
    hours_least : without a reading, of the last `window_days`, or since the last one
    bill_days : after a month's end a bill is late
    months_known : months of bills before, that show that bills come
    """

    hours_least: int
    window_days: int
    bill_days: int
    months_known: int


class ServiceRow(Rule, frozen=True, kw_only=True):
    """How a kind of finding is served.

    Attributes
    ----------
    working_days : until it is due
    quiet_days : after a repair, without the finding, until it closes by itself
    gone_days : unseen, until it closes where nobody did anything
    hold_days : after a person said that it is none, until it may be opened again
    """

    working_days: int
    quiet_days: int
    gone_days: int
    hold_days: int


class LookRow(Rule, frozen=True, kw_only=True):
    """How far back is read, and how far a first look goes."""

    read_days: int
    first_look_days: int
    first_look_step_days: int


class HolidayRow(Rule, frozen=True, kw_only=True):
    """A day off; of every year where no year is given."""

    month: int
    day: int
    year: int | None = None


class FindingRules(NamedTuple):
    """All of them, in force on a day."""

    likeness: LikenessRow
    likeness_wide: LikenessRow
    base: BaseRow
    steady: SteadyRow
    off: OffRow
    flow: FlowRow
    weekend: WeekendRow
    stuck: StuckRow
    drift: DriftRow
    missing: MissingRow
    look: LookRow
    service: Mapping[Kind, ServiceRow]
    holidays: tuple[HolidayRow, ...]
    pack: Pack

    def basis(self, table: str, row: Rule) -> tuple[str, bool]:
        """The id of a row as kept with findings, and whether it is to be confirmed."""
        found = self.pack.basis(table, row)
        return found.rule, found.provisional

    def days_off(self, years: range) -> frozenset[date]:
        """Holidays of some years."""
        return frozenset(date(year, one.month, one.day) for year in years for one in self.holidays if one.year in (None, year))


@lru_cache(maxsize=8)
def finding_rules(day: date, folder: Path | None = None) -> FindingRules:
    """The rules in force on a day; a city's own win."""
    pack = load_pack("finding", folder)
    service = {one.id: one for one in pack.rows("service", ServiceRow, day)}
    return FindingRules(
        likeness=pack.row("likeness", "nights", LikenessRow, day),
        likeness_wide=pack.row("likeness", "days", LikenessRow, day),
        base=pack.row("base", "surplus", BaseRow, day),
        steady=pack.row("steady", "all-day", SteadyRow, day),
        off=pack.row("off", "whole-days", OffRow, day),
        flow=pack.row("flow", "never-still", FlowRow, day),
        weekend=pack.row("weekend", "days-off", WeekendRow, day),
        stuck=pack.row("stuck", "same", StuckRow, day),
        drift=pack.row("drift", "start-stop", DriftRow, day),
        missing=pack.row("missing", "readings", MissingRow, day),
        look=pack.row("look", "history", LookRow, day),
        service={kind: service[kind] for kind in KINDS},
        holidays=pack.rows("holidays", HolidayRow, day),
        pack=pack,
    )
