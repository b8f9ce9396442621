"""What a saving means in a sentence, in both languages; first of all when there is none to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.text import Text

if TYPE_CHECKING:
    from dure.services.buildings.baselines.assessing import Bounds, Verdict
    from dure.services.buildings.baselines.baseline_rules import BaselineRules

REFUSALS: dict[str, Text] = {
    "no_data": Text("사용량과 기온이 함께 있는 때가 없습니다.", "There is no time with both use and temperature."),
    "too_few": Text("자료가 너무 적습니다.", "There is too little data."),
    "infinite_value": Text("끝없는 값이 있습니다.", "A value is infinite."),
    "constant_temperature": Text("기온이 한 값뿐입니다.", "The temperature never changes."),
    "zero_use": Text("사용량이 모두 0입니다.", "All use is 0."),
    "negative_use": Text("음수 사용량이 있습니다.", "Some use is negative."),
    "duplicate_periods": Text("같은 기간의 고지서가 둘 있습니다.", "Two bills are of the same period."),
    "overlapping_periods": Text("고지서의 기간이 겹칩니다.", "Periods of bills overlap."),
    "empty_periods": Text("기간이 없는 고지서가 있습니다.", "A bill has no days."),
    "no_candidate": Text("규칙에 맞는 모형이 없습니다.", "No model qualifies."),
    "weather.none": Text("가까이에 기온을 재는 측정소가 없습니다.", "No station near by observes the air temperature."),
    "weather.coverage": Text("기온을 모르는 시간이 너무 많습니다.", "The air temperature of too many hours is not known."),
}


def refusal(code: str) -> Text:
    """Why there is no model, in words."""
    return REFUSALS.get(code, Text(f"모형을 만들 수 없습니다 ({code}).", f"There can be no model ({code})."))


def sentence(verdict: Verdict, energy_wh: Bounds | None, share: float, rules: BaselineRules) -> Text:
    """The verdict on a measure, with its interval."""
    if energy_wh is None:
        return Text("에너지로 합칠 계량기가 없습니다.", "No meter of it counts energy.")
    value, low, high = (one / 1000 for one in (energy_wh.value, energy_wh.low, energy_wh.high))
    span_ko = f"{value:,.0f} kWh, {rules.confidence:.0%} 구간 {low:,.0f}~{high:,.0f}"
    span_en = f"{value:,.0f} kWh, {rules.confidence:.0%} interval {low:,.0f} to {high:,.0f}"
    if verdict == "too_short":
        return Text(
            f"비교한 날이 {rules.report_d_min}일보다 적어 아직 판단할 수 없습니다.",
            f"Fewer than {rules.report_d_min} days could be compared: too short to judge.",
        )
    if verdict == "none_shown":
        return Text(f"절감이 확인되지 않았습니다. {span_ko}로 0을 포함합니다.", f"No saving shown. {span_en}: it includes 0.")
    if verdict == "more":
        return Text(f"기준선보다 더 썼습니다. 차이는 {span_ko}입니다.", f"More was used than before. {span_en}.")
    return Text(
        f"같은 날씨에서 썼을 양보다 {share:.1%} 줄었습니다. 피한 사용량 {span_ko}.",
        f"{share:.1%} less than would have been used in the same weather. Avoided {span_en}.",
    )
