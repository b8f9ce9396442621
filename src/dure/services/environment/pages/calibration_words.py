"""Calibrations in words: methods, states, scores, parameters and reasons. Rows of data, Korean and English."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from dure.core.text import Text
from dure.services.environment.calibrating.calibration import Reason

Side = Literal["for", "against", "note"]


class Word(NamedTuple):
    """A state in words: its tone chooses the colour, its mark the shape, `why` explains it."""

    name: Text
    tone: str
    mark: str
    why: Text


METHODS: dict[str, Text] = {
    "humidity_us_epa": Text("습도 보정 (미국 EPA 식)", "Humidity correction (US EPA formula)"),
    "co_location": Text("나란히 재서 맞춤", "Fit beside a reference"),
    "zero_span": Text("영점·기울기", "Zero and span"),
}
STATES: dict[str, Word] = {
    "candidate": Word(
        Text("후보", "Candidate"),
        "information",
        "diamond",
        Text("아직 값에 쓰이지 않습니다. 사람이 정합니다.", "Not used for values yet; a person decides."),
    ),
    "active": Word(
        Text("적용 중", "In force"), "success", "circle", Text("지금 보정값을 만듭니다.", "It makes corrected values now.")
    ),
    "retired": Word(
        Text("끝남", "Ended"),
        "gray",
        "dash",
        Text("적용하던 동안의 보정값은 그대로 둡니다.", "What it corrected while in force stays."),
    ),
    "rejected": Word(
        Text("쓰지 않음", "Not used"),
        "secondary",
        "ring",
        Text("원값보다 낫지 않아 쓰지 않습니다.", "Not better than raw; not used."),
    ),
}
SERIES: dict[str, Text] = {
    "raw": Text("원값", "Raw"),
    "corrected": Text("보정값", "Corrected"),
    "starting": Text("미국 EPA 식", "US EPA formula"),
}
PARAMETERS: dict[str, Text] = {
    "gain": Text("기울기 (원값에 곱함)", "Gain (times raw)"),
    "offset": Text("더하는 값", "Offset"),
    "humidity": Text("상대습도 1 %마다", "Per 1 % of relative humidity"),
    "temperature": Text("기온 1 ℃마다", "Per 1 ℃ of air temperature"),
    "interaction": Text("원값 × 상대습도마다", "Per raw × relative humidity"),
    "growth": Text("입자가 물을 머금는 정도", "Growth of particles with humidity"),
    "humidity_cap": Text("습도 상한 (%)", "Humidity is kept below (%)"),
    "blend_from": Text("짙은 연기 식을 섞기 시작하는 값", "Smoke formula begins at"),
    "blend_to": Text("짙은 연기 식만 쓰는 값", "Smoke formula alone from"),
    "weight_gain": Text("연기 식 비중의 기울기", "Weight of the smoke formula: gain"),
    "weight_offset": Text("연기 식 비중의 절편", "Weight of the smoke formula: offset"),
    "quadratic": Text("연기 식: 원값의 제곱마다", "Smoke formula: per raw squared"),
    "linear": Text("연기 식: 원값마다", "Smoke formula: per raw"),
    "constant": Text("연기 식: 더하는 값", "Smoke formula: offset"),
}
SPANS: dict[str, tuple[Text, str]] = {
    "raw": (Text("원값", "Raw"), ""),
    "rh": (Text("상대습도", "Relative humidity"), "%"),
    "temperature": (Text("기온", "Air temperature"), "Cel"),
}
REASONS: dict[str, Text] = {
    "foreign_fit": Text(
        "미국 센서로 맞춘 식입니다. 우리 도시 측정소 옆에서 다시 맞추기 전까지만 쓰세요.",
        "A fit to sensors in the United States: use it only until one beside our own reference.",
    ),
    "by_hand": Text("사람이 적은 값: 기울기 {gain}, 더하는 값 {offset}.", "Entered by a person: gain {gain}, offset {offset}."),
    "rmse_better": Text("오차(RMSE)가 줄었습니다: {raw} → {ours}.", "The error (RMSE) fell from {raw} to {ours}."),
    "rmse_not_better": Text(
        "오차(RMSE)가 줄지 않았습니다: 원값 {raw}, 보정값 {ours}.", "The error (RMSE) did not fall: raw {raw}, corrected {ours}."
    ),
    "slope_better": Text("기울기가 1에 가까워졌습니다: {raw} → {ours}.", "The slope moved from {raw} to {ours}, closer to 1."),
    "slope_not_better": Text(
        "기울기가 1에 가까워지지 않았습니다: 원값 {raw}, 보정값 {ours}.",
        "The slope did not move closer to 1: raw {raw}, corrected {ours}.",
    ),
    "bias_better": Text("치우침이 줄었습니다: {raw} → {ours}.", "The bias shrank from {raw} to {ours}."),
    "bias_not_better": Text(
        "치우침이 줄지 않았습니다: 원값 {raw}, 보정값 {ours}.", "The bias did not shrink: raw {raw}, corrected {ours}."
    ),
    "starting_worse": Text(
        "미국 EPA 식보다 오차가 작습니다: 그 식 {starting}, 이 보정 {ours}.",
        "Its error {ours} is below that of the US EPA formula, {starting}.",
    ),
    "starting_not_worse": Text(
        "미국 EPA 식보다 오차가 작지 않습니다: 그 식 {starting}, 이 보정 {ours}.",
        "The US EPA formula has an error of {starting}, no more than this fit's {ours}.",
    ),
    "too_few_hours": Text(
        "함께 잰 시간이 {hours}시간뿐입니다. {needed}시간이 필요합니다.", "Only {hours} hours in common; {needed} are needed."
    ),
    "too_few_weeks": Text(
        "함께 잰 주가 {weeks}주뿐입니다. {needed}주가 필요합니다.", "Weeks in common: {weeks}; {needed} are needed."
    ),
    "reference_too_flat": Text(
        "기준값이 거의 변하지 않아 기울기를 알 수 없습니다 (폭 {span}, 필요한 폭 {needed}).",
        "The reference hardly changes, so there is no slope to find (span {span}, needed {needed}).",
    ),
    "raw_constant": Text("원값이 {value}에서 변하지 않습니다.", "The raw value stays at {value}."),
    "no_humidity": Text("상대습도가 없어 습도는 따지지 않았습니다.", "There is no relative humidity, so it is left out."),
    "no_temperature": Text("기온이 없어 기온은 따지지 않았습니다.", "There is no air temperature, so it is left out."),
}
AGAINST = frozenset(
    {
        "rmse_not_better",
        "slope_not_better",
        "bias_not_better",
        "too_few_hours",
        "too_few_weeks",
        "reference_too_flat",
        "raw_constant",
    }
)
IN_FAVOUR = frozenset({"rmse_better", "slope_better", "bias_better", "starting_worse"})
_WHOLE = frozenset({"too_few_hours", "too_few_weeks"})


def side_of(reason: Reason) -> Side:
    """Whether a reason speaks for the calibration, against it, or only tells."""
    return "against" if reason.code in AGAINST else "for" if reason.code in IN_FAVOUR else "note"


def reason_text(reason: Reason, number: Callable[[float, int], str]) -> Text:
    """A reason as a sentence; `number` writes a value with so many decimals."""
    words = REASONS.get(reason.code)
    if words is None:
        return Text(reason.code)
    whole = reason.code in _WHOLE
    shown = {name: number(value, 0 if whole else 2) for name, value in reason.values.items()}
    return Text(words.ko.format(**shown), words.en.format(**shown))
