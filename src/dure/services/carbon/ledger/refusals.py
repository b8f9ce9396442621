"""Why the books say no: a stable code, and a sentence in both languages."""

from __future__ import annotations

from dure.core.text import LANGUAGES, Text
from dure.services.carbon.model import Attribute, Refused

ATTRIBUTE_NAMES: dict[Attribute, Text] = {
    "energy_saving": Text("절감한 에너지", "energy saved"),
    "renewable": Text("재생에너지 속성", "the renewable attribute"),
    "avoided_fuel": Text("쓰지 않은 연료", "avoided fuel"),
    "generation": Text("발전량", "generation"),
    "recycled_mass": Text("재활용한 무게", "recycled mass"),
    "practice": Text("실천", "the practice"),
}
_SENTENCES = {
    "ledger.account_unknown": Text("계정 {account}이(가) 아직 없으며, 어떤 계정인지도 주어지지 않았습니다.",
        "The account {account} is not there yet, and nothing says what it is."),
    "ledger.account_invalid": Text("계정 {account}의 이름, 종류, 단위가 서로 맞지 않습니다.",
        "Name, kind, unit and cover of the account {account} do not fit each other."),
    "ledger.account_differs": Text("계정 {account}은(는) 장부에 다른 종류나 단위로 있습니다.",
        "The account {account} is on the books with another kind or unit."),
    "ledger.amount": Text("금액은 1 이상 {most} 이하의 정수여야 합니다: {amount}.",
        "An amount is a whole number from 1 to {most}: {amount}."),
    "ledger.transfer_invalid": Text("이체 {id}의 항목이 서로 맞지 않습니다: {why}.",
        "The fields of the transfer {id} do not fit each other: {why}."),
    "ledger.same_account": Text("같은 계정 {account} 안에서는 옮길 수 없습니다.",
        "Nothing can be moved from the account {account} to itself."),
    "ledger.unit_mismatch": Text("계정 {account}의 단위는 {unit}이 아닙니다.",
        "The account {account} does not count {unit}."),
    "ledger.overdrawn": Text("계정 {account}에 쓸 수 있는 것은 {available}뿐이며, {amount}을(를) 옮길 수 없습니다.",
        "The account {account} has {available} available: {amount} cannot leave it."),
    "ledger.sum_limit": Text("계정 {account}의 합이 셀 수 있는 한도를 넘습니다.",
        "The sums of the account {account} would pass what can be counted."),
    "ledger.final_account": Text("계정 {account}에서는 정정으로만 나갈 수 있습니다.",
        "Only a correction may leave the account {account}."),
    "ledger.id_reused": Text("이체 {id}은(는) 다른 내용으로 이미 쓰인 번호입니다.",
        "The id {id} was used already, for a transfer with other content."),
    "ledger.group_differs": Text("묶음의 일부({id})만 이미 장부에 있습니다. 함께 묶인 것은 모두 또는 전혀 기록되지 않습니다.",
        "Only a part of the group ({id}) is on the books: linked transfers are posted all or none."),
    "ledger.group_too_large": Text("한 묶음에는 이체가 {most}건까지입니다: {n}건.",
        "A group has at most {most} transfers: {n}."),
    "ledger.pending_unknown": Text("끝낼 예약 {id}이(가) 장부에 없습니다.",
        "There is no pending transfer {id} to end."),
    "ledger.pending_ended": Text("예약 {id}은(는) 이미 확정되었거나 취소되었습니다.",
        "The pending transfer {id} was posted or voided already."),
    "ledger.pending_expired": Text("예약 {id}은(는) 기한이 지나 확정할 수 없습니다.",
        "The pending transfer {id} has expired and cannot be posted."),
    "ledger.pending_differs": Text("예약 {id}의 계정이나 단위와 다르거나 예약보다 많습니다.",
        "Accounts or unit are not those of the pending transfer {id}, or the amount is more than it reserved."),
    "ledger.expires_past": Text("예약 {id}의 기한이 기록 시각보다 늦지 않습니다.",
        "The pending transfer {id} would have expired when it is booked."),
    "ledger.corrects_unknown": Text("정정할 이체 {id}이(가) 장부에 없습니다.",
        "There is no transfer {id} to correct."),
    "ledger.corrects_unfit": Text("이체 {id}은(는) 이렇게 정정할 수 없습니다: 확정된 이체를 같은 단위로, 그 계정에서 정정합니다.",
        "The transfer {id} cannot be corrected like this: it must have been posted, in this unit, with one of these accounts."),
    "ledger.corrects_too_much": Text("이체 {id}에서 되돌릴 수 있는 것은 {most}뿐입니다.",
        "Of the transfer {id} only {most} can still be taken back."),
    "claim.overlap": Text("{source}의 {attribute}은(는) {start}부터 {end}까지 청구 {claim}이(가) 이미 가져갔습니다.",
        "{attribute} of {source} from {start} to {end} is taken by the claim {claim}."),
    "claim.stretch_invalid": Text("청구 {claim}이(가) 가져가려는 것이 올바르지 않습니다: {why}.",
        "What the claim {claim} would take is not valid: {why}."),
    "claim.id_reused": Text("청구 {claim}은(는) 이미 다른 것을 가져갔습니다.",
        "The claim {claim} has taken something else already."),
}  # fmt: skip


def refused(code: str, **words: Text | str | int) -> Refused:
    """That the books say no, and why."""
    ko, en = ({name: word(one) if isinstance(word, Text) else word for name, word in words.items()} for one in LANGUAGES)
    sentence = _SENTENCES[code]
    return Refused(code, Text(sentence.ko.format(**ko), sentence.en.format(**en)))
