"""What pages of practices say of states, kinds of proof, units and grades."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from dure.core.text import Text
from dure.core.time import day_interval
from dure.services.carbon.practising.catalogue import Counted, Grade, ProofKind
from dure.web.words import Word

if TYPE_CHECKING:
    from dure.web.i18n import Speech

NONE = Text("")
STATES: dict[str, Word] = {
    "started": Word(Text("시작함", "Begun"), "information", "circle", NONE),
    "doubtful": Word(Text("사람이 확인 중", "A person is looking"), "warning", "triangle", NONE),
    "awarded": Word(Text("인정됨", "Counted"), "success", "check", NONE),
    "refused": Word(Text("인정되지 않음", "Not counted"), "danger", "cross", NONE),
    "withdrawn": Word(Text("그만둠", "Withdrawn"), "gray", "dash", NONE),
    "expired": Word(Text("기한이 지남", "Out of time"), "gray", "dash", NONE),
}
PROOFS: dict[ProofKind, Text] = {
    "partner": Text("참여 기업이 자동으로 알림", "A partner company tells it"),
    "qr": Text("현장의 QR 코드", "The code at the place"),
    "weigh": Text("재활용 거점의 저울", "The scale of a recycling shop"),
    "photo": Text("사진", "A photo"),
}
UNITS: dict[Counted, Text] = {"count": Text("회", "time"), "kg": Text("kg", "kg"), "km": Text("km", "km")}
GRADES: dict[Grade, Word] = {
    "verified": Word(Text("검증됨", "Verified"), "success", "check", NONE),
    "moderate": Word(Text("근거 확인됨", "Source was read"), "information", "circle", NONE),
    "low": Word(Text("낮은 신뢰", "Low confidence"), "warning", "triangle", NONE),
    "very low": Word(Text("매우 낮은 신뢰", "Very low confidence"), "warning", "triangle", NONE),
    "none": Word(Text("감축량 근거 없음", "No sourced tonnes"), "gray", "dash", NONE),
}
WHY: dict[str, Text] = {
    "reward": Text("실천 보상", "Reward"),
    "payout": Text("지급", "Paid out"),
    "waiver": Text("포기", "Given up"),
    "correction": Text("정정", "Correction"),
}
PAYOUTS: dict[str, Word] = {
    "asked": Word(Text("지급 대기", "Waiting"), "warning", "triangle", NONE),
    "paid": Word(Text("지급됨", "Paid"), "success", "check", NONE),
    "refused": Word(Text("거절됨", "Refused"), "danger", "cross", NONE),
}
TROUBLES: dict[str, Text] = {
    "practice.not_joined": Text("먼저 사업에 참여해 주세요.", "Join the scheme first."),
    "practice.not_offered": Text("우리 도시에서 하지 않는 사업입니다.", "This scheme is not offered here."),
    "practice.left_this_year": Text(
        "올해 정보를 모두 지웠습니다. 내년에 다시 참여할 수 있습니다.",
        "You had your data erased this year; join again next year.",
    ),
    "practice.begun_many": Text("시작한 것이 많습니다. 먼저 증명해 주세요.", "Prove some of what you have begun first."),
    "practice.photo_large": Text("사진은 6 MB까지입니다.", "A photo has at most 6 MB."),
    "practice.payout_least": Text("지급할 수 있는 최소 금액보다 적습니다.", "It is less than the least that is paid out."),
    "practice.payout_funds": Text("지갑에 그만큼 없습니다.", "There is not so much in your wallet."),
    "practice.payout_open": Text(
        "지급 중인 돈이 있습니다. 지급된 뒤에 지워 주세요.", "Money is on its way: wait until it is paid."
    ),
    "practice.balance_left": Text(
        "지갑에 돈이 남아 있습니다. 지급받거나 포기를 골라 주세요.", "There is money left: have it paid, or give it up."
    ),
    "weighing.bag_taken": Text("다른 사람의 봉투입니다.", "This bag belongs to somebody else."),
    "id.malformed": Text("코드를 다시 확인해 주세요.", "Check the code again."),
    "practice.group_name": Text("모임 이름을 1~60자로 적어 주세요.", "Write a name of 1 to 60 characters."),
    "practice.group_unknown": Text("그런 코드의 모임이 없습니다.", "There is no group of this code."),
    "practice.group_many": Text("모임은 10개까지 들 수 있습니다.", "One may be in 10 groups."),
    "practice.group_foreign": Text("내가 든 모임이 아닙니다.", "You are not in this group."),
    "practice.challenge_over": Text("끝난 도전입니다.", "The challenge is over."),
    "practice.challenge": Text("제목, 실천, 기간, 목표를 확인해 주세요.", "Check title, practices, period and goal."),
    "practice.reason": Text("거절하는 까닭을 고르세요.", "Choose why you say no."),
    "practice.state": Text("이미 결정되었습니다.", "It was decided already."),
    "budget.document": Text("문서 번호를 60자까지 적어 주세요.", "Write the number of the document, at most 60 characters."),
    "practice.place": Text("이름, 실천, 바뀌는 시간을 확인해 주세요.", "Check name, practices and turn."),
    "practice.partner_practices": Text("기업이 증명하는 실천을 고르세요.", "Choose practices a partner proves."),
    "practice.payout_state": Text("이미 처리되었습니다.", "It was settled already."),
    "ledger.id_reused": Text("같은 문서 번호가 다른 금액으로 있습니다.", "This document was entered with another amount."),
}


def day_teller(say: Speech) -> Callable[[date], str]:
    """How to write a local day for a reader."""
    return lambda day: say.day(day_interval(day, say.zone).start)
