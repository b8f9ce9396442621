"""What each answer about a half-year means, in words."""

from __future__ import annotations

from dure.core.text import Text

NONE = Text("")

HISTORY_LEFT_OUT = {
    "weather": "household.weather_missing",
    "estimated": "household.estimated",
    "exchanged": "household.meter_exchanged",
    "vacant": "household.vacant",
    "people": "household.people_changed",
}
PERIOD_LEFT_OUT = {
    "missing": "household.months_missing",
    "weather": "household.weather_missing",
    "estimated": "household.estimated",
    "exchanged": "household.meter_exchanged",
    "vacant": "household.vacant",
}
REASONS: dict[str, Text] = {
    "household.band": Text(
        "날씨를 고려해도 줄인 것이 확실하고, 이 구간에 이르렀습니다.",
        "With the weather taken out, a cut is sure, and it reaches this band.",
    ),
    "household.below_band": Text(
        "줄인 것은 확실하지만 가장 낮은 구간에 이르렀다고 할 수는 없습니다.",
        "You surely used less, but it cannot be said that it reaches the lowest band.",
    ),
    "household.not_shown": Text(
        "예상 사용량과의 차이가 달마다 있는 변동 안에 있어 줄였다고 말할 수 없습니다.",
        "The difference from what was expected is within what months differ by chance.",
    ),
    "household.history_short": Text(
        "비교할 지난 12개월의 사용량이 모자랍니다. 지난 고지서를 더 넣어 주세요.",
        "There are fewer than 12 past months to compare with. Enter more of the past bills.",
    ),
    "household.season_unseen": Text(
        "지난 사용량에 한 해의 모든 계절이 들어 있지 않습니다.", "The past bills do not cover all seasons of a year."
    ),
    "household.months_missing": Text(
        "이 반기의 고지서가 모자랍니다. 빠진 달을 넣어 주세요.", "Bills of this half-year are missing. Enter them."
    ),
    "household.weather_missing": Text(
        "그 달들의 기온 관측이 없어 날씨를 고려할 수 없습니다. 관측이 들어오면 다시 판정합니다.",
        "The temperatures of those months are not known, so the weather cannot be taken out. It is judged again when they are.",
    ),
    "household.estimated": Text(
        "검침하지 않고 추정한 고지서라 실제 사용량을 알 수 없습니다. 다음 실제 검침과 함께 셉니다.",
        "The bills were estimated, not read. They count together with the next real reading.",
    ),
    "household.meter_exchanged": Text(
        "계량기를 바꾼 달은 사용량이 확실하지 않아 세지 않습니다.", "Months in which the meter was exchanged do not count."
    ),
    "household.vacant": Text(
        "집을 비운 달은 절약으로 보지 않으므로 셀 수 있는 달이 모자랍니다.",
        "Months in which nobody was at home are no saving, and too few others are left.",
    ),
    "household.moved": Text(
        "이 집에서 산 기간이 짧아 비교할 수 없습니다. 이사한 뒤 12개월이 지나면 판정합니다.",
        "You have not lived here long enough to compare. It is judged from 12 months after moving in.",
    ),
    "household.people_changed": Text(
        "함께 사는 사람 수가 달라져 앞뒤를 비교할 수 없습니다. 같은 수로 12개월이 지나면 판정합니다.",
        "The number of people in the home changed, so before and after cannot be compared. After 12 months alike they can.",
    ),
    "household.solar": Text(
        "지붕 태양광이 생겨 한전에서 산 전기가 줄었습니다. 발전은 따로 세며, 설치 뒤 12개월부터 절약을 판정합니다.",
        "Panels on the roof cut what you buy; generation is counted elsewhere. Savings are judged from 12 months after.",
    ),
    "household.factor_missing": Text(
        "이 날짜의 배출계수가 없어 아직 지급할 수 없습니다. 계수가 들어오면 저절로 이어집니다.",
        "No emission factor holds for the day, so it cannot be paid yet. It goes on by itself when there is one.",
    ),
    "household.year_limit": Text(
        "이 사업에서 한 해에 받을 수 있는 금액을 넘습니다.", "It would be more than the programme gives one person in a year."
    ),
    "household.spent": Text(
        "이 고객번호는 이 반기에 이미 보상을 받았습니다.", "This customer number was rewarded for the half-year already."
    ),
    "household.elsewhere": Text(
        "이 절약은 다른 사업에서 이미 세고 있어 여기서는 지급하지 않습니다.",
        "Another scheme counts this saving already, so it is not paid here.",
    ),
    "household.no_use": Text(
        "지난 사용량이 없어 예상할 수 없습니다.", "There was no use in the past, so nothing can be expected."
    ),
}
# Answers that bills, weather or time may still change; all others stand.
OPEN = (
    "household.months_missing",
    "household.weather_missing",
    "household.estimated",
    "household.history_short",
    "household.season_unseen",
    "household.factor_missing",
)
FINAL = frozenset(REASONS) - frozenset(OPEN)
# Answers that are of the books, not of the arithmetic.
OF_BOOKS = frozenset({"household.elsewhere", "household.factor_missing", "household.spent", "household.year_limit"})
