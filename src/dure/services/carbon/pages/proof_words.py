"""Words for checks, alarms and refusals of the log: rows of data, Korean and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dure.core.text import Text
from dure.web.words import Word


class CheckWords(NamedTuple):
    """What is asked, and what a yes or a no means."""

    name: Text
    yes: Text
    no: Text


CHECKS: Mapping[str, CheckWords] = {
    "form": CheckWords(
        Text("파일의 형식", "Form of the file"),
        Text("모든 부분이 있고 정해진 꼴로 쓰여 있습니다.", "All parts are there, written the one right way."),
        Text(
            "꼴이 다릅니다. 편집기로 저장했거나 누군가 바꾼 파일입니다.",
            "It is written otherwise: an editor saved it, or somebody changed it.",
        ),
    ),
    "place": CheckWords(
        Text("로그 안의 자리", "Place in the log"),
        Text("이 항목은 로그의 그 자리에 있습니다.", "The entry stands at that place of the log."),
        Text("이 항목은 로그의 그 자리에 없습니다.", "The entry does not stand at that place of the log."),
    ),
    "tonnes": CheckWords(
        Text("감축량 재계산", "Tonnes worked out again"),
        Text("계산식을 다시 풀면 같은 값이 나옵니다.", "The formula comes to the same grams."),
        Text("계산식을 다시 풀면 다른 값이 나옵니다.", "The formula comes to other grams."),
    ),
    "readings": CheckWords(
        Text("측정값 지문", "Digest of readings"),
        Text("항목에 적힌 지문과 맞습니다.", "It fits the digest in the entry."),
        Text("항목에 적힌 지문과 다릅니다.", "It does not fit the digest in the entry."),
    ),
    "signatures": CheckWords(
        Text("서명", "Signatures"),
        Text("체크포인트의 모든 서명이 맞습니다.", "Every signature of the checkpoint is good."),
        Text("체크포인트의 서명이 맞지 않습니다.", "A signature of the checkpoint is not good."),
    ),
    "growth": CheckWords(
        Text("일관성", "Growth"),
        Text("앞선 로그가 나중 로그의 시작 부분입니다.", "The earlier log is the beginning of the later one."),
        Text("앞선 로그가 나중 로그의 시작 부분이라는 증명이 아닙니다.", "It does not show the earlier log to be the beginning."),
    ),
}
YES = Word(Text("맞음", "Yes"), "success", "check", Text("모든 확인이 맞습니다.", "All checks say yes."))
NO = Word(Text("아님", "No"), "danger", "cross", Text("하나라도 맞지 않습니다.", "At least one check says no."))
ALARMS: Mapping[str, Text] = {
    "log.changed": Text(
        "보관된 로그가 서명된 것과 다릅니다. 서명을 멈추었습니다.",
        "The log as kept is not the one that was signed. Signing has stopped.",
    ),
    "log.behind": Text(
        "공표된 것보다 로그가 짧습니다. 서명을 멈추었습니다.", "The log is shorter than what was published. Signing has stopped."
    ),
    "log.split_view": Text("같은 크기에 서로 다른 두 로그가 서명되었습니다.", "Two different logs of one size have been signed."),
}
REFUSALS: Mapping[str, Text] = {
    "log.note_unreadable": Text("서명된 체크포인트가 아닙니다.", "This is no signed checkpoint."),
    "log.checkpoint_unreadable": Text("체크포인트의 세 줄이 아닙니다.", "These are not the three lines of a checkpoint."),
    "log.signature": Text("이 로그의 열쇠로 한 서명이 아닙니다.", "It is not signed by a key of this log."),
    "log.key_unreadable": Text(
        "열쇠를 읽을 수 없습니다. 이름+식별자+base64 꼴입니다.", "This is no key: it reads name+id+base64."
    ),
    "log.witness_key": Text("공동 서명용 열쇠(종류 4)가 아닙니다.", "This is no key for cosignatures (kind 4)."),
    "log.witness_label": Text("누구인지 1~100자로 적어 주세요.", "Say in 1 to 100 characters who it is."),
}
AGREES = Text(
    "이 체크포인트는 우리 로그의 것이며, 지금 로그는 그 뒤로 이어집니다.", "It is one of ours, and the log goes on from it."
)
STATES: Mapping[str, Text] = {
    "reserved": Text("예약", "reserved"),
    "awarded": Text("인정", "awarded"),
    "refused": Text("거절", "refused"),
    "cancelled": Text("취소", "withdrawn"),
    "withdrawn": Text("취소", "withdrawn"),
    "retired": Text("소각", "retired"),
}
FACTOR, LOG_KEY = Text("배출계수", "Emission factor"), Text("로그의 열쇠", "Key of the log")
KINDS: Mapping[str, Text] = {
    "claim": Text("감축 실적", "Claim"),
    "transfer": Text("이체", "Transfer"),
    "statement": Text("보고서", "Statement"),
    "decision": Text("결정", "Decision"),
    "rule": Text("기준", "Rule"),
}


def entry_named(key: str) -> tuple[Text, str]:
    """What an entry ``kind/id`` is called, and the part of its id that tells it from others. Pure."""
    kind, _, ident = key.partition("/")
    first, _, rest = ident.partition("/")
    name = KINDS.get(kind, Text(kind))
    if kind == "rule" and first == "factor":
        return FACTOR, rest.partition("/")[0]
    if kind == "rule" and first == "log-key":
        return LOG_KEY, rest
    if kind == "decision" and rest in STATES:
        state = STATES[rest]
        return Text(f"{name.ko}: {state.ko}", f"{name.en}: {state.en}"), first
    return name, ident
