"""Rights to renewable energy: direct supply, PPA, certificates, green tariff. Pure.

A contract is a share of what a source generates (direct supply, PPA), or a fixed amount (certificates, green tariff). Of one
source no more than one whole is given out on any day, and an amount of certificates is named by their serials, which are used
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from dure.core.text import Text
from dure.services.carbon.companies.activity_rules import Instrument
from dure.services.carbon.companies.hourly import WHOLE_PPM
from dure.services.carbon.model import Refused

AMOUNT_WH_MAX = 10**15
WORDS_MAX = 200


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of a company, in force on ``[start, end)``.

    Attributes
    ----------
    kind : a row of ``[[instruments]]``
    source : what generates, as a path (``charging/cs-1/pv``, ``plant/…``); for certificates their serial numbers
    region : grid region the source feeds; only loads of it can be matched (deliverability)
    share_ppm : millionths of what the source generates; 0 for a fixed amount
    amount_wh : fixed amount of the whole period [Wh]; 0 for a share
    """

    company: str
    kind: str
    source: str
    start: date
    end: date
    id: str = ""
    region: str = "KR"
    share_ppm: int = 0
    amount_wh: int = 0
    note: str = ""

    def amount_within(self, first: date, after: date) -> int:
        """Its fixed amount in ``[first, after)`` by days, rounded down [Wh]."""
        days = (min(self.end, after) - max(self.start, first)).days
        return self.amount_wh * max(0, days) // (self.end - self.start).days


def objection(one: Contract, instruments: dict[str, Instrument], others: Sequence[Contract]) -> Refused | None:
    """Why a contract cannot be kept beside all others (of every company) of its source."""
    wrong = _wrong(one, instruments)
    if wrong is not None:
        return wrong
    if one.amount_wh and any(other.source == one.source and other.amount_wh for other in others):
        return _refused("contract.taken", "이미 쓴 인증서 번호입니다.", "These serials are used already.")
    total, on = _most(one, others)
    if one.share_ppm and total > WHOLE_PPM:
        return _refused(
            "contract.over_allocated",
            f"{on}: 이 발전원의 100%보다 많이 나누게 됩니다(이미 {(total - one.share_ppm) / 10_000:g}%).",
            f"{on}: more than 100 % of the source would be given out ({(total - one.share_ppm) / 10_000:g} % is already).",
        )
    return None


def _wrong(one: Contract, instruments: dict[str, Instrument]) -> Refused | None:
    if one.kind not in instruments:
        return _refused("contract.kind", "모르는 계약 종류입니다.", "This kind of contract is not known.")
    if not one.source.strip() or max(len(one.source), len(one.note)) > WORDS_MAX:
        return _refused("contract.source", "발전원이나 인증서 번호를 적어 주세요.", "Write the source or the serials.")
    if one.end <= one.start:
        return _refused("contract.period", "끝이 시작보다 앞섭니다.", "It ends before it begins.")
    either = (one.share_ppm > 0) != (one.amount_wh > 0)
    if not either or not 0 <= one.share_ppm <= WHOLE_PPM or not 0 <= one.amount_wh <= AMOUNT_WH_MAX:
        ko = "발전량의 몫이나 정해진 양 가운데 하나를 적어 주세요."
        return _refused("contract.amount", ko, "Write either a share or a fixed amount.")
    return None


def _most(one: Contract, others: Sequence[Contract]) -> tuple[int, date]:
    """The greatest sum of shares on a day of the contract, and the first such day."""
    same = [other for other in others if other.source == one.source and other.share_ppm]
    days = sorted({one.start, *(other.start for other in same if one.start < other.start < one.end)})
    sums = [(one.share_ppm + sum(other.share_ppm for other in same if other.start <= day < other.end), day) for day in days]
    return max(sums, key=lambda pair: (pair[0], -pair[1].toordinal()))


def _refused(code: str, ko: str, en: str) -> Refused:
    return Refused(code, Text(ko, en))
