"""Alerts in plain words, Korean and English: what, where, how much, since when, what to do, and who issues a warning.

Dure never issues a warning: it says that a value has reached the criteria, or is at the level of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo

from dure.core.text import Text, with_particle
from dure.services.environment.alerting.alert_rules import AlertRule

UNITS = {"ug/m3": " µg/m³", "[ppm]": " ppm", "1": "", "": ""}
NAMES_MAX = 5  # places named in one sentence
_PERIODS = {60: ("분", "min"), 3600: ("시간", "h"), 86_400: ("일", "d")}


def quantity(rule: AlertRule, value: float) -> str:
    """A value with its unit as people write it."""
    unit = rule.row.unit
    return f"{value:,.{rule.row.decimals}f}{UNITS.get(unit, f' {unit}')}"


def length(rule: AlertRule, periods: int) -> Text:
    """So many periods in words."""
    ko, en = _PERIODS.get(rule.row.period_s, ("", ""))
    if not ko:
        seconds = rule.row.period_s * periods
        minutes, rest = divmod(seconds, 60)
        return Text(f"{seconds:,}초", f"{seconds:,} s") if rest else Text(f"{minutes:,}분", f"{minutes:,} min")
    return Text(f"{periods}{ko}", f"{periods} {en}")


def criteria(rule: AlertRule, level: int) -> Text:
    """When a level is on and when it ends."""
    row, above = rule.level(level), rule.row.direction == "above"
    on, off = quantity(rule, row.on), quantity(rule, row.off)
    held, gone = length(rule, row.on_n), length(rule, row.off_n)
    return Text(
        f"{held.ko} 동안 {on} {'이상' if above else '이하'}이면 도달, {gone.ko} 동안 {off} {'미만' if above else '초과'}이면 끝",
        f"reached at {on} or {'more' if above else 'less'} for {held.en}, ended {'below' if above else 'above'} {off} "
        f"for {gone.en}",
    )


def at_level(rule: AlertRule, level: int) -> Text:
    """That a level is reached, without claiming to issue it."""
    name = rule.row.name
    if level == 0:
        return Text(f"{name.ko} 알림이 끝났습니다", f"{name.en}: ended")
    step = rule.level(level).name
    if rule.row.form == "observed":
        return Text(f"{name.ko} 관측값이 {step.ko}입니다", f"{name.en}: observed at {step.en}")
    if rule.row.property:
        return Text(
            f"{with_particle(name.ko, '이/가')} {step.ko} 기준에 도달했습니다", f"{name.en} has reached the {step.en} level"
        )
    return Text(f"{name.ko}: {step.ko}", f"{name.en}: {step.en}")


def raised_because(rule: AlertRule, levels: tuple[int, int], value: float, *, mean: bool) -> Text:
    """Why a level is reached."""
    level = levels[1]
    row, above = rule.level(level), rule.row.direction == "above"
    who = Text("권역 평균", "the mean of the zone") if mean else Text("측정값", "the measured value")
    if not rule.row.property:
        held = length(rule, row.on_n)
        return Text(f"{row.name.ko} 상태가 {held.ko} 이어졌습니다.", f"It has been at this level ({row.name.en}) for {held.en}.")
    held, on = length(rule, row.on_n), quantity(rule, row.on)
    side = "이상" if above else "이하"
    return Text(
        f"{with_particle(who.ko, '이/가')} {held.ko} 동안 {on} {side}이었습니다(마지막 {quantity(rule, value)}).",
        f"For {held.en} {who.en} was {on} or {'more' if above else 'less'} (last {quantity(rule, value)}).",
    )


def lowered_because(rule: AlertRule, levels: tuple[int, int], value: float, *, mean: bool) -> Text:  # noqa: ARG001  # called like its twin
    """Why a level is left."""
    row, above = rule.level(levels[1] + 1), rule.row.direction == "above"
    gone, off = length(rule, row.off_n), quantity(rule, row.off)
    if not rule.row.property:
        return Text(
            f"{row.name.ko} 상태가 {gone.ko} 동안 없었습니다.", f"It was not at this level ({row.name.en}) for {gone.en}."
        )
    worst = Text("가장 높은 값", "highest") if above else Text("가장 낮은 값", "lowest")
    return Text(
        f"모든 측정값이 {gone.ko} 동안 {off} {'미만' if above else '초과'}이었습니다({worst.ko} {quantity(rule, value)}).",
        f"Every measured value was {'below' if above else 'above'} {off} for {gone.en} ({worst.en} {quantity(rule, value)}).",
    )


def missed_hours(rule: AlertRule, values: Mapping[str, float | None], gap_n: int) -> list[Text]:
    """What was not heard, said beside the reason."""
    found = []
    silent = [name for name, value in values.items() if value is None]
    if silent:
        names, more = ", ".join(silent[:NAMES_MAX]), len(silent) - NAMES_MAX
        rest = Text(f" 외 {more}곳", f" and {more} more") if more > 0 else Text("")
        found.append(Text(f"값이 없던 곳: {names}{rest.ko}.", f"No value from: {names}{rest.en}."))
    if gap_n:
        gap = length(rule, gap_n)
        found.append(
            Text(
                f"그 전 {gap.ko} 동안 값이 없어 세던 것을 새로 세었습니다.",
                f"There were no values for {gap.en} before, so counting began anew.",
            )
        )
    return found


def moment(at: datetime, zone: tzinfo) -> Text:
    """Local date and hour of an instant."""
    local = at.astimezone(zone)
    return Text(f"{local.month}월 {local.day}일 {local:%H:%M}", f"{local:%d %b %H:%M}")
