"""Words of the operator's desk: how chargers stand, what they say, what they are asked. Rows of data, Korean and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dure.core.text import Text
from dure.web.words import Word

NONE = Text("")
STANDINGS: dict[str, Word] = {
    "faulted": Word(Text("고장", "Faulted"), "danger", "cross", NONE),
    "offline": Word(Text("연결 끊김", "Offline"), "warning", "triangle", NONE),
    "waiting": Word(Text("승인 기다림", "Waits to be accepted"), "warning", "clock", NONE),
    "new": Word(Text("아직 소식 없음", "Never heard of"), "gray", "dash", NONE),
    "charging": Word(Text("충전 중", "Charging"), "information", "diamond", NONE),
    "ready": Word(Text("쓸 수 있음", "Ready"), "success", "check", NONE),
}
STATUSES: dict[str, Word] = {
    "available": Word(Text("비어 있음", "Available"), "success", "check", NONE),
    "occupied": Word(Text("쓰는 중", "Occupied"), "information", "diamond", NONE),
    "reserved": Word(Text("예약됨", "Reserved"), "information", "clock", NONE),
    "unavailable": Word(Text("쓸 수 없음", "Unavailable"), "warning", "triangle", NONE),
    "faulted": Word(Text("고장", "Faulted"), "danger", "cross", NONE),
}
DETAILS: dict[str, Text] = {
    "Preparing": Text("준비 중", "Preparing"),
    "Charging": Text("충전 중", "Charging"),
    "SuspendedEV": Text("차가 멈춤", "Suspended by the vehicle"),
    "SuspendedEVSE": Text("충전기가 멈춤", "Suspended by the charger"),
    "Finishing": Text("끝내는 중", "Finishing"),
}
OUTCOMES: dict[str, Word] = {
    "pending": Word(Text("답을 기다림", "Waiting for an answer"), "gray", "clock", NONE),
    "accepted": Word(Text("받음", "Accepted"), "information", "circle", NONE),
    "done": Word(Text("함", "Done"), "success", "check", NONE),
    "rejected": Word(Text("거절", "Refused"), "danger", "cross", NONE),
    "expired": Word(Text("답 없음", "No answer"), "warning", "triangle", NONE),
}
ADMISSIONS: dict[str, Text] = {
    "accepted": Text("받아들임", "Accept"),
    "pending": Text("기다리게 함", "Let it wait"),
    "rejected": Text("거절", "Reject"),
}
# What an operator may ask with one button; the second says what it does to whoever charges there.
VERBS: dict[str, tuple[Text, Text]] = {
    "unlock": (
        Text("커넥터 풀기", "Unlock the connector"),
        Text("충전이 멈추고 케이블을 뺄 수 있게 됩니다.", "Charging stops and the cable can be taken out."),
    ),
    "out": (
        Text("쓰지 못하게 하기", "Take out of service"),
        Text("지금 충전이 끝난 뒤부터 쓸 수 없게 됩니다.", "It cannot be used once the present charge has ended."),
    ),
    "in": (Text("다시 쓰게 하기", "Put back into service"), Text("누구나 다시 쓸 수 있습니다.", "Anybody may use it again.")),
    "start": (
        Text("손님 충전 시작", "Start for a guest"),
        Text("손님 번호를 만들어 충전을 시작합니다.", "A guest's token is made and charging starts."),
    ),
    "stop": (Text("충전 멈추기", "Stop charging"), Text("지금 하는 충전이 끝납니다.", "The present charge ends.")),
    "reset": (
        Text("다시 시작", "Restart"),
        Text("충전이 모두 끝나면 충전기가 다시 시작합니다.", "The charger restarts when nobody charges."),
    ),
    "reset_now": (
        Text("바로 다시 시작", "Restart at once"),
        Text("하던 충전이 모두 끊깁니다.", "Every charge that runs is cut off."),
    ),
    "read_settings": (
        Text("설정 읽기", "Read its settings"),
        Text("충전기가 제 설정을 모두 알려 줍니다.", "The charger tells all its settings."),
    ),
    "clear_cache": (
        Text("카드 기억 지우기", "Clear its cache of cards"),
        Text("연결이 끊긴 동안 받던 카드를 다시 확인합니다.", "Cards it took without connection are checked anew."),
    ),
    "trigger_status": (
        Text("상태 다시 묻기", "Ask for its status"),
        Text("충전기가 지금 상태를 다시 보냅니다.", "The charger sends its status again."),
    ),
}
OF_EVSE = ("start", "unlock", "out", "in")
OF_STATION = ("trigger_status", "read_settings", "clear_cache", "reset", "reset_now")
TOPICS: dict[str, Text] = {
    "security": Text("보안 알림", "Security event"),
    "event": Text("고장이나 감시 알림", "Fault or monitored value"),
    "firmware": Text("펌웨어", "Firmware"),
    "log": Text("기록 보내기", "Log"),
    "serial_differs": Text("일련번호가 다름", "Another serial number"),
    "clock_drift": Text("시계가 틀림", "Clock is wrong"),
    "duplicate_identity": Text("같은 이름의 충전기가 둘", "Two with one identity"),
    "refused": Text("들어오지 못함", "Turned away"),
    "certificate_asked": Text("인증서를 청함", "Asks for a certificate"),
    "certificate_refused": Text("인증서를 주지 않음", "Certificate refused"),
    "certificate_status": Text("인증서 확인을 물음", "Asks about a certificate"),
    "certificate_contract": Text("계약 인증서를 청함", "Asks for a contract certificate"),
    "reservation": Text("예약이 끝남", "Reservation is over"),
    "limit": Text("밖에서 제한함", "Limited from outside"),
    "limit_cleared": Text("밖의 제한이 풀림", "Limit from outside cleared"),
    "needs": Text("차가 바라는 것", "What the vehicle needs"),
    "schedule": Text("차의 계획", "The vehicle's plan"),
    "profiles": Text("충전 프로필", "Charging profiles"),
    "priority": Text("먼저 충전", "Priority charging"),
    "variables": Text("설정 값", "Settings"),
    "monitors": Text("감시 항목", "Monitors"),
    "display": Text("화면 글", "Messages on its display"),
    "customer": Text("고객 정보를 알림", "Customer information"),
    "data_transfer": Text("제조사 메시지", "Message of its maker"),
    "settlement": Text("단말기 결제", "Payment at the terminal"),
    "der_alarm": Text("계통 이상", "Fault of the grid"),
}
# Why the central system did not let a charger in, by code (`central.doors`).
TURNED_AWAY: dict[str, Text] = {
    "station.profile": Text(
        "등록된 보안 프로필과 다른 방식으로 연결하려 했습니다.", "It came with another security profile than the one registered."
    ),
    "station.credential": Text("비밀번호가 맞지 않습니다.", "Its password is wrong."),
    "station.certificate": Text(
        "인증서가 이 충전기나 운영자의 것이 아닙니다.", "Its certificate names another station or another operator."
    ),
    "station.revoked": Text("폐기된 인증서로 연결하려 했습니다.", "It came with a certificate that was revoked."),
    "station.version": Text("쓰기로 한 OCPP 판을 말하지 않습니다.", "It offers no version of OCPP that it may speak."),
}
DUPLICATE = Text(
    "충전기 둘이 같은 OCPP 이름으로 번갈아 연결합니다. 하나의 이름을 바꾸세요.",
    "Two chargers use this identity in turn. Give one of them its own.",
)


def content_of(topic: str, facts: Mapping[str, Any]) -> Text:
    """What is behind a happening that the central system itself noticed; empty for what a charger says in its own words."""
    if topic == "duplicate_identity":
        return DUPLICATE
    if topic == "refused":
        why = TURNED_AWAY.get(str(facts.get("code")), Text(str(facts.get("code"))))
        address = str(facts.get("address") or "")
        return Text(f"{why('ko')} {address}".strip(), f"{why('en')} {address}".strip())
    if topic == "clock_drift":
        ahead_s = int(facts.get("ahead_s", 0))
        size, length = abs(ahead_s), ("초", "s")
        for least, ko, en in ((86_400, "일", "d"), (3_600, "시간", "h"), (60, "분", "min")):
            if size >= least:
                size, length = size // least, (ko, en)
                break
        way = ("빠릅니다", "ahead") if ahead_s > 0 else ("느립니다", "behind")
        return Text(f"시계가 {size:,}{length[0]} {way[0]}.", f"Its clock is {size:,} {length[1]} {way[1]}.")
    return NONE


WHY: dict[str, Text] = {
    "station.offline": Text("충전기가 연결되어 있지 않습니다.", "The charger is not connected."),
    "charger.unknown": Text("등록된 충전기가 아니거나 장치가 없습니다.", "It is not registered, or has no device."),
    "station.silent": Text("충전기가 제때 답하지 않았습니다.", "The charger did not answer in time."),
    "station.refused": Text("충전기가 오류로 답했습니다.", "The charger answered with an error."),
    "evse.busy": Text("이미 차가 충전하고 있습니다.", "A vehicle charges there already."),
    "call.unfit": Text("이 충전기의 OCPP 판에는 없는 일입니다.", "Its version of OCPP has no message for that."),
    "call.argument": Text("빠지거나 맞지 않는 값이 있습니다.", "A value is missing or does not fit."),
    "ocpp.payload": Text("충전기가 받을 수 없는 내용입니다.", "The charger cannot take that."),
}
HOLDERS: dict[str, Text] = {
    "member": Text("회원", "Member"),
    "guest": Text("손님", "Guest"),
    "staff": Text("직원", "Staff"),
}
TOKEN_WHY: dict[str, Text] = {
    "token.text": Text("카드 번호를 읽을 수 없습니다.", "The card's number cannot be read."),
    "token.exists": Text("이미 있는 카드입니다.", "This card is known already."),
    "token.group": Text("묶음 이름은 글자로 시작하는 20자까지입니다.", "A group is named by a letter and at most 20 characters."),
    "token.fields": Text("맞지 않는 값이 있습니다.", "A value does not fit."),
    "token.label": Text("이름에 카드 번호를 적지 마세요.", "Do not write the card's number into the label."),
    "token.file": Text(
        "CSV를 읽을 수 없습니다. 첫 줄에 열 이름이 있어야 합니다.", "This is no CSV whose first line names the columns."
    ),
}
