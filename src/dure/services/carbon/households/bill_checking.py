"""Bills before they are kept: negative, absurd, of a wrong unit, twice for a month, or overlapping ones are refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import msgspec

from dure.core.text import Text
from dure.services.carbon.households.model import MILLI, Bill
from dure.services.carbon.households.periods import Month, month_at
from dure.services.carbon.model import Refused

SLIP = timedelta(days=31)  # a bill's days may begin or end so far from those of its month
DAYS_MIN, DAYS_MAX = 5, 100


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a bill is held against.

    Attributes
    ----------
    limits : most a home can use in a day, by unit
    unit : of the bills there are, empty when there are none
    kept : bills of the utility there are
    judged : places of months whose half-year was judged for good
    today : bills of days ahead are refused; months_most : so are those of more months ago
    """

    limits: Mapping[str, int]
    unit: str
    kept: Sequence[Bill]
    judged: frozenset[int]
    today: date
    months_most: int


def checked_bill(bill: Bill, grounds: Grounds, *, replace: bool = False) -> Bill | Refused:
    """The bill, or why it is refused.

    Parameters
    ----------
    replace : whether it is to take the place of the one of its month
    """
    code = _of_amount(bill, grounds) or _of_days(bill, grounds) or _of_others(bill, grounds, replace=replace)
    return Refused(code, WRONG[code]) if code else bill


def same(one: Bill, other: Bill) -> bool:
    """Whether two bills say the same, whoever brought them."""
    return msgspec.structs.replace(one, source=other.source) == other


def _of_amount(bill: Bill, grounds: Grounds) -> str:
    if bill.unit not in grounds.limits or (grounds.unit and bill.unit != grounds.unit):
        return "household.unit_mixed"
    if bill.milli < 0:
        return "household.negative"
    days = max(1, (bill.end - bill.first).days)
    return "household.absurd" if bill.milli > grounds.limits[bill.unit] * MILLI * days else ""


def _of_days(bill: Bill, grounds: Grounds) -> str:
    month = Month(bill.month)
    if not DAYS_MIN <= (bill.end - bill.first).days <= DAYS_MAX:
        return "household.bill_days"
    if abs(bill.first - month.first) > SLIP or abs(bill.end - month.end) > SLIP:
        return "household.bill_days"
    if bill.end > grounds.today + timedelta(days=1) or month.place < month_at(grounds.today).place - grounds.months_most:
        return "household.bill_days"
    return ""


def _of_others(bill: Bill, grounds: Grounds, *, replace: bool) -> str:
    if bill.month in grounds.judged:
        return "household.judged_already"
    others = [one for one in grounds.kept if one.month != bill.month]
    if len(others) < len(grounds.kept) and not replace:
        return "household.month_taken"
    overlapping = any(one.first < bill.end and bill.first < one.end for one in others)
    return "household.bill_overlaps" if overlapping else ""


WRONG: dict[str, Text] = {
    "household.unit_mixed": Text(
        "단위가 맞지 않습니다. 전기는 kWh, 수도는 m³, 가스는 m³(보정)나 MJ 가운데 처음 쓴 한 가지로 적어 주세요.",
        "The unit does not fit. Electricity is in kWh, water in m3, gas in Nm3 or MJ, always in the one used first.",
    ),
    "household.negative": Text("사용량은 0보다 작을 수 없습니다.", "Use cannot be below 0."),
    "household.absurd": Text(
        "한 가정이 쓸 수 없이 많은 양입니다. 자릿수와 단위를 확인해 주세요.",
        "No home uses as much. Check the digits and the unit.",
    ),
    "household.bill_days": Text(
        "고지서의 기간이 그 달과 맞지 않거나, 미래이거나, 너무 오래전입니다.",
        "The days of the bill do not fit its month, lie ahead, or are too long ago.",
    ),
    "household.month_taken": Text(
        "그 달의 다른 고지서가 이미 있습니다. 고치려면 바꾸기를 골라 주세요.",
        "There is another bill of that month. Say that it is to be replaced.",
    ),
    "household.bill_overlaps": Text("다른 달의 고지서와 기간이 겹칩니다.", "Its days overlap those of another month's bill."),
    "household.judged_already": Text(
        "이미 판정이 끝난 반기라 바꿀 수 없습니다. 담당 공무원에게 알려 주세요.",
        "The half-year was judged for good. Tell the officer.",
    ),
}
