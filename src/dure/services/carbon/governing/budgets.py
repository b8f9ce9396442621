"""A programme's money in a calendar year: what the city put in, what sponsors added, what is promised, given and left. Pure.

The won stand in the ledger. The city funds a year up to the budget its dated rule names. A freeze holds back all that is left: a
reservation towards the treasury, so the books themselves refuse new rewards; what people were promised before stays promised.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.carbon.model import Refused
from dure.services.carbon.programmes import Programme

Deed = Literal["fund", "freeze", "thaw", "close"]
DEEDS: tuple[Deed, ...] = ("fund", "freeze", "thaw", "close")
NOTE_MAX = 500
DOCUMENT_MAX = 60


class Asked(msgspec.Struct, frozen=True):
    """What a person wants to do with a programme's money; `won` for funding only [KRW], with the number of its `document`.

    A document funds a programme once; without one nobody can tell a second sending from a second amount.
    """

    deed: Deed
    won: int = 0
    note: str = ""
    document: str = ""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the city did with a programme's money; `won` moved, or were held back or let go [KRW]."""

    programme: str
    n: int
    at: datetime
    year: int
    deed: Deed
    won: int
    note: str = ""
    document: str = ""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A programme's money as it stands [KRW].

    Attributes
    ----------
    year : calendar year the sums of flows are of
    rule_won : what the rule grants for the year
    funded_won : what the city put in, less what it took back
    sponsored_won : what companies' sponsorships released into it
    given_won : rewards decided and booked in the year, less what was taken back
    promised_won : reserved for claims that wait for a decision, now
    held_won : held back by a freeze, now
    left_won : what new rewards may still take, now
    last : the newest deed, None without one
    """

    programme: str
    year: int
    rule_won: int
    funded_won: int = 0
    sponsored_won: int = 0
    given_won: int = 0
    promised_won: int = 0
    held_won: int = 0
    left_won: int = 0
    frozen: bool = False
    last: Done | None = None

    @property
    def fundable_won(self) -> int:
        """What the rule still lets the city put in."""
        return max(0, self.rule_won - self.funded_won)

    @property
    def state(self) -> Literal["unpaid", "unfunded", "frozen", "spent", "open"]:
        """Where the programme stands, in a word; `unpaid` pays no rewards."""
        if self.frozen:
            return "frozen"
        if self.left_won > 0:
            return "open"
        if not self.rule_won and not self.sponsored_won:
            return "unpaid"
        return "spent" if self.funded_won or self.sponsored_won else "unfunded"


def objection(row: Programme, standing: Standing, asked: Asked) -> Refused | None:
    """Why this cannot be done with a programme's money now; None when it can."""
    deed = asked.deed
    if deed == "fund":
        return _against_funding(row, standing, asked.won, asked.document)
    if asked.won or asked.document:
        ko, en = "금액과 문서는 예산을 넣을 때만 적습니다.", "An amount and its document belong to funding only."
        return _refused("budget.amount", ko, en)
    if deed == "thaw":
        return None if standing.frozen else _refused("budget.state", "동결되어 있지 않습니다.", "The programme is not frozen.")
    if standing.frozen:
        return _refused("budget.state", "동결되어 있습니다. 먼저 푸세요.", "The programme is frozen. Thaw it first.")
    if deed == "close" and not returnable(standing):
        return _refused("budget.nothing", "돌려보낼 시 예산이 없습니다.", "There is no money of the city to take back.")
    return None


def returnable(standing: Standing) -> int:
    """What the city may take back at the end of a year [KRW]: of what is left, its own part only, never what sponsors gave."""
    return max(0, min(standing.left_won, standing.funded_won))


def _against_funding(row: Programme, standing: Standing, won: int, document: str) -> Refused | None:
    if not row.budget_won:
        return _refused("budget.unpaid", "보상을 주지 않는 사업입니다.", "The programme pays no rewards.")
    if len(document.strip()) > DOCUMENT_MAX:
        ko, en = f"문서 번호는 {DOCUMENT_MAX}자까지입니다.", f"A document's number has at most {DOCUMENT_MAX} characters."
        return _refused("budget.document", ko, en)
    if won <= 0:
        return _refused("budget.amount", "1원 이상의 금액을 적어 주세요.", "Write an amount of 1 won or more.")
    if standing.frozen:
        return _refused("budget.state", "동결되어 있습니다. 먼저 푸세요.", "The programme is frozen. Thaw it first.")
    if won > standing.fundable_won:
        ko = f"기준에 적힌 올해 예산까지 {standing.fundable_won:,}원이 남았습니다."
        return _refused("budget.over_rule", ko, f"The rule of this year leaves {standing.fundable_won:,} won to fund.")
    return None


def _refused(code: str, ko: str, en: str) -> Refused:
    return Refused(code, Text(ko, en))
