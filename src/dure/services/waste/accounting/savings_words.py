"""What a saving means in a sentence, in both languages; first of all when there is none to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.text import Text

if TYPE_CHECKING:
    from dure.services.waste.accounting.savings import Saving

QUANTITIES = {
    "km": (Text("주행 거리", "distance driven"), "km"),
    "hours": (Text("작업 시간", "hours"), "h"),
    "fuel_l": (Text("연료", "fuel"), "L"),
    "energy_kwh": (Text("전력", "electricity"), "kWh"),
    "co2e_kg": (Text("온실가스", "greenhouse gas"), "kg CO2e"),
    "overflow": (Text("넘침", "overflowing bins"), "bin-days"),
}


def sentence(quantity: str, saving: Saving) -> Text:
    """The verdict on one quantity, with its interval."""
    name, unit = QUANTITIES[quantity]
    if saving.verdict == "too_short":
        return Text(
            f"{name.ko}: 비교한 기간이 온전한 {saving.weeks}주뿐이라 아직 판단할 수 없습니다.",
            f"{name.en.capitalize()}: only {saving.weeks} whole weeks were compared, too few to judge.",
        )
    span_ko = f"하루 평균 {saving.mean:,.1f} {unit}, 90 % 구간 {saving.low:,.1f}~{saving.high:,.1f}"
    span_en = f"{saving.mean:,.1f} {unit} a day, 90 % interval {saving.low:,.1f} to {saving.high:,.1f}"
    if saving.verdict == "none_shown":
        return Text(
            f"{name.ko}: 절감이 확인되지 않았습니다. {span_ko}로 0을 포함합니다.",
            f"{name.en.capitalize()}: no saving shown. {span_en}: it includes 0.",
        )
    if saving.verdict == "more":
        return Text(
            f"{name.ko}: 기준선보다 늘었습니다. 차이는 {span_ko}입니다.",
            f"{name.en.capitalize()}: more than the baseline. The difference is {span_en}.",
        )
    return Text(
        f"{name.ko}: 기준선보다 {saving.share:.1%} 줄었습니다. {span_ko}입니다.",
        f"{name.en.capitalize()}: {saving.share:.1%} less than the baseline. {span_en}.",
    )


def headline(distance: Saving, overflow: Saving) -> Text:
    """The one sentence for the council: kilometres, and whether overflow paid for them.

    `overflow` counts baseline less actual, so a negative mean is more overflow than before.
    """
    said = sentence("km", distance)
    if distance.verdict == "saving" and overflow.verdict == "more":
        return Text(
            f"{said.ko} 다만 넘침이 기준선보다 늘었으므로 이 절감은 넘침과 바꾼 것입니다.",
            f"{said('en')} Overflow rose above the baseline, so this saving was bought with overflow.",
        )
    return said
