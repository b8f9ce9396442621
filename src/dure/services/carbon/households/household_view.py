"""What a person sees of their own household: half-years with months, bands and claims. Reads alone."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.households import household_records, judgement_records
from dure.services.carbon.households.energy_rules import Utility
from dure.services.carbon.households.household_records import Kept, Meter
from dure.services.carbon.households.household_words import LEFT_OUT
from dure.services.carbon.households.judgement_records import KeptJudgement
from dure.services.carbon.households.model import MILLI, Bill, Judgement, MonthLine
from dure.services.carbon.households.periods import Month

SHARE_DIGITS = 4


class MonthTold(msgspec.Struct, frozen=True, kw_only=True):
    """A month beside its expectation [unit]; `left_out` says why it does not count, else it is empty."""

    month: str
    used: float | None
    expected: float | None
    left_out: str = ""
    in_period: bool = False


class ReachTold(msgspec.Struct, frozen=True, kw_only=True):
    """A band and the use at or below which it would have been reached [unit]."""

    percent: float
    won: int
    use: float


class JudgementTold(msgspec.Struct, frozen=True, kw_only=True):
    """A half-year of one utility, in numbers a person reads.

    Attributes
    ----------
    cut, sure_cut, average_cut : best estimate, lower bound, and the cut by bills alone [1]; None where it cannot be said
    expected, used : of the months that count [unit]
    grams, claim_state, claim_reason : of its claim, empty when there is none
    """

    utility: Utility
    period: str
    code: str
    reason: Text
    unit: str
    won: int
    cut: float | None
    sure_cut: float | None
    average_cut: float | None
    expected: float
    used: float
    months: tuple[MonthTold, ...]
    reach: tuple[ReachTold, ...]
    judged_at: datetime
    claim: str = ""
    claim_state: str = ""
    claim_reason: str = ""
    grams: int = 0
    provisional: tuple[str, ...] = ()


class Mine(NamedTuple):
    """A person's household with its numbers, bills and half-years, newest first."""

    kept: Kept
    meters: list[Meter]
    bills: list[Bill]
    judgements: list[JudgementTold]


def mine(connection: Connection, person: str) -> Mine | None:
    """The household of a person, and of nobody else."""
    kept = household_records.of_person(connection, person)
    if kept is None:
        return None
    ident = kept.household.id
    found = judgement_records.of_household(connection, ident)
    return Mine(
        kept,
        household_records.meters_of(connection, ident),
        household_records.bills_of(connection, ident),
        [told(connection, one) for one in found],
    )


def told(connection: Connection, kept: KeptJudgement) -> JudgementTold:
    """A judgement as a person reads it."""
    one = kept.judgement
    claim = None
    if kept.claim:
        try:
            claim = claim_records.get(connection, kept.claim).claim
        except NotFound:
            claim = None
    return JudgementTold(
        utility=one.utility,
        period=one.period,
        code=one.code,
        reason=one.reason,
        unit=one.unit,
        won=one.won,
        cut=_share(one.share) if one.judged else None,
        sure_cut=_share(one.bound_share) if one.judged else None,
        average_cut=None if one.average_cut is None else round(one.average_cut, SHARE_DIGITS),
        expected=one.expected_milli / MILLI,
        used=one.used_milli / MILLI,
        months=_months(one),
        reach=tuple(ReachTold(percent=float(each.percent), won=each.won, use=each.use_milli / MILLI) for each in one.reach),
        judged_at=kept.judged_at,
        claim=kept.claim,
        claim_state="" if claim is None else claim.state,
        claim_reason="" if claim is None else claim.reason,
        grams=0 if claim is None else claim.grams,
        provisional=one.provisional,
    )


def _months(one: Judgement) -> tuple[MonthTold, ...]:
    past = tuple(_month(each, in_period=False) for each in one.history)
    return past + tuple(_month(each, in_period=True) for each in one.months)


def _month(line: MonthLine, *, in_period: bool) -> MonthTold:
    first, last = Month(line.months[0]), Month(line.months[-1])
    return MonthTold(
        month=str(first) if first == last else f"{first}~{last}",
        used=None if line.used_milli is None else line.used_milli / MILLI,
        expected=None if line.expected_milli is None else line.expected_milli / MILLI,
        left_out=line.left_out if line.left_out in LEFT_OUT else "",
        in_period=in_period,
    )


def _share(value: Fraction) -> float:
    return round(float(value), SHARE_DIGITS)
