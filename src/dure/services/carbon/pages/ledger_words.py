"""What the pages of the ledger call things."""

from __future__ import annotations

from typing import NamedTuple

from dure.core.text import Text
from dure.services.carbon.ledger.checking import Kind
from dure.services.carbon.ledger.model import AccountKind, Deed


class Word(NamedTuple):
    """A state with its mark and tone."""

    name: Text
    mark: str
    tone: str


KIND_NAMES: dict[AccountKind, Text] = {
    "world": Text("감축의 원천", "Where grams come from"),
    "held": Text("보유", "Held"),
    "retired": Text("소각", "Retired"),
    "cancelled": Text("취소", "Cancelled"),
    "treasury": Text("도시 금고", "City treasury"),
    "budget": Text("사업 예산", "Programme budgets"),
    "company": Text("기업 예치", "Paid in by companies"),
    "escrow": Text("조건부 예치", "Escrow"),
    "wallet": Text("시민 지갑", "Wallets"),
    "paid": Text("지급됨", "Paid out"),
}
# Why a transfer was made: of claims and wallets, of budgets (``budget.fund``), of sponsorships.
WHY: dict[str, dict[str, Text]] = {
    "": {
        "award": Text("감축 인정", "Award"),
        "reward": Text("보상", "Reward"),
        "release": Text("예약을 풂", "Reservation released"),
        "retire": Text("소각", "Retired"),
        "correction": Text("정정", "Correction"),
        "expired": Text("기한이 지남", "Out of time"),
        "payout": Text("지급", "Payout"),
        "waiver": Text("포기", "Given up"),
        "fund": Text("예산을 넣음", "Budget put in"),
    },
    "budget": {
        "fund": Text("예산을 넣음", "Budget put in"),
        "freeze": Text("예산을 동결함", "Budget frozen"),
        "thaw": Text("동결을 풂", "Budget thawed"),
        "close": Text("예산을 마감함", "Budget closed"),
    },
    "sponsor": {
        "pay_in": Text("기업이 맡긴 돈", "Paid in by a company"),
        "offer": Text("후원을 제안함", "Sponsorship offered"),
        "post": Text("후원을 받음", "Sponsorship accepted"),
        "void": Text("후원을 거둠", "Sponsorship not accepted"),
        "release": Text("결과에 나간 돈", "Released for a result"),
        "rest": Text("남아서 돌아온 돈", "The rest, given back"),
        "transfer": Text("감축을 회사로 넘김", "Tonnes handed to the company"),
    },
}
DEEDS: dict[Deed, Word] = {
    "transfer": Word(Text("이체", "transfer"), "check", "success"),
    "pending": Word(Text("예약", "reserved"), "clock", "information"),
    "post": Word(Text("확정", "posted"), "check", "success"),
    "void": Word(Text("예약 취소", "voided"), "ring", "gray"),
}
SOUND = Word(Text("모두 맞습니다", "Everything fits"), "check", "success")
BROKEN = Word(Text("맞지 않는 것이 있습니다", "Something does not fit"), "cross", "danger")
PROBLEMS: dict[Kind, Text] = {
    "entry": Text("이체 뒤의 잔액이 이체와 맞지 않음", "a balance after a transfer does not follow from the transfers"),
    "balance": Text("지금 잔액이 이체와 맞지 않음", "a balance as it stands does not follow from the transfers"),
    "overdrawn": Text("계정이 0 아래로 내려감", "an account was below 0"),
    "unopened": Text("이체는 있으나 계정이 없음", "there are transfers, but no such account"),
    "gap": Text("번호가 빠짐", "numbers are missing"),
    "order": Text("시각이 거꾸로 감", "times run backwards"),
    "sides": Text("차변과 대변의 합이 다름", "debits and credits differ"),
    "pending": Text("열린 예약의 목록이 다름", "the list of open reservations differs"),
}


def why_named(why: str) -> Text:
    """Why a transfer was made, in words; the code itself where none are known. Pure."""
    of, _, what = why.rpartition(".")
    return WHY.get(of, {}).get(what, Text(why or "–"))
