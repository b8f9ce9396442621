"""What a finding says in plain words, Korean and English, in units people read. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from dure.core.text import Text, with_particle
from dure.services.buildings.finding.findings import Finding, Kind
from dure.services.buildings.model import Meter

_UNITS = {"Wh": ("kWh", 1_000.0), "kJ": ("MJ", 1_000.0), "L": ("m³", 1_000.0), "g": ("kg", 1_000.0)}
_LIQUIDS = ("kerosene", "diesel", "fuel_oil_bc")


class Unit(NamedTuple):
    """A unit people read, and how many book units it is."""

    name: str
    size: float


def unit_of(meter: Meter) -> Unit:
    """The unit amounts of a meter are read in."""
    if meter.fuel in _LIQUIDS:
        return Unit("L", 1.0)
    return Unit(*_UNITS[meter.supply.book])


def amount(value: float, meter: Meter) -> str:
    """An amount in book units as people read it."""
    unit = unit_of(meter)
    size = value / unit.size
    decimals = 0 if abs(size) >= 100 else 1 if abs(size) >= 10 else 2  # three figures tell enough
    return f"{size:,.{decimals}f} {unit.name}"


def words_of(finding: Finding, meter: Meter) -> Text:
    """Why it was found."""
    return _WORDS[finding.kind](finding, meter)


def _base(finding: Finding, meter: Meter) -> Text:
    more = amount(finding.numbers["surplus_per_h"], meter)
    share = round(finding.numbers["surplus_share"] * 100)
    limit = round(finding.numbers["threshold_share"] * 100)
    return Text(
        f"날씨와 요일이 비슷했던 밤보다 시간당 {more}({share}%) 더 씁니다. 밤낮으로 계속 켜져 있습니다. 기준은 {limit}%입니다.",
        f"{more} per hour ({share} %) more than on nights alike in weather and day. On day and night. The limit is {limit} %.",
    )


def _leak(finding: Finding, meter: Meter) -> Text:
    if "least_flow_per_h" not in finding.numbers:
        return _base(finding, meter)
    flow, nights = amount(finding.numbers["least_flow_per_h"], meter), round(finding.numbers["nights"])
    still = round(finding.numbers["still_nights_share"] * 100)
    return Text(
        f"{nights}일 밤 내내 한 시간도 멈추지 않고 시간당 {flow} 이상 흐릅니다. 전에는 밤의 {still}%에 멈춘 시간이 있었습니다.",
        f"{nights} nights without a still hour, at least {flow} per hour. Before, {still} % of nights had one.",
    )


def _weekend(finding: Finding, meter: Meter) -> Text:
    level = round(finding.numbers["level"] * 100)
    more, hours = amount(finding.numbers["surplus_per_h"], meter), round(finding.numbers["hours_per_day"])
    return Text(
        f"쉬는 날 {hours}시간 동안 시간당 {more} 더 썼습니다. 평소 쉬는 날을 0%, 평일을 100%로 보면 {level}%입니다.",
        f"{more} per hour more in {hours} hours of a day off. Usual days off are 0 %, workdays 100 %: these were {level} %.",
    )


def _stuck(finding: Finding, meter: Meter) -> Text:
    hours, longest = round(finding.numbers["hours"]), round(finding.numbers["longest_before_h"])
    same = amount(finding.numbers["same_per_h"], meter)
    return Text(
        f"{hours}시간 내내 시간당 {with_particle(same, '으로/로')} 같습니다. 전에는 길어야 {longest}시간이었습니다.",
        f"{same} per hour, the same for {hours} hours. Before, never for longer than {longest} hours.",
    )


def _drift(finding: Finding, _: Meter) -> Text:
    shift, hour = finding.numbers["shift_h"], finding.numbers["hour"]
    if finding.numbers["stop"]:
        return Text(
            f"날씨가 비슷했던 날보다 {shift:.1f}시간 늦게 끝납니다(요즘 {_clock(hour)}).",
            f"Stops {shift:.1f} h later than on days alike in weather (now at {_clock(hour)}).",
        )
    return Text(
        f"날씨가 비슷했던 날보다 {shift:.1f}시간 일찍 시작합니다(요즘 {_clock(hour)}).",
        f"Starts {shift:.1f} h earlier than on days alike in weather (now at {_clock(hour)}).",
    )


def _missing(finding: Finding, _: Meter) -> Text:
    numbers = finding.numbers
    if "missing_months" in numbers:
        months, days = round(numbers["missing_months"]), round(numbers["late_days"])
        return Text(
            f"고지서가 {months}달치 비어 있습니다. 그달이 끝난 지 {days}일이 지났습니다.",
            f"Bills of {months} month(s) are missing. The month has been over for {days} days.",
        )
    hours, window = round(numbers["missing_h"]), round(numbers["window_h"])
    return Text(
        f"최근 {window}시간 가운데 {hours}시간의 사용량이 없습니다.", f"{hours} of the last {window} hours have no reading."
    )


def _clock(hour: float) -> str:
    minutes = round(hour * 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


_WORDS: dict[Kind, Callable[[Finding, Meter], Text]] = {
    "night_base": _base,
    "weekend": _weekend,
    "leak": _leak,
    "stuck": _stuck,
    "schedule_drift": _drift,
    "missing": _missing,
}
