"""Words for sessions: states, trust, reasons, lines of a receipt. Rows of data, Korean and English."""

from __future__ import annotations

from collections.abc import Mapping

from dure.core.text import Text
from dure.web.words import Word

NONE = Text("")
STATES: Mapping[str, Word] = {
    "running": Word(Text("진행 중", "Running"), "information", "circle", NONE),
    "ended": Word(Text("끝남, 정산 전", "Ended, not settled"), "warning", "clock", NONE),
    "settled": Word(Text("정산됨", "Settled"), "success", "check", NONE),
}
TRUSTS: Mapping[str, Word] = {
    "measured": Word(Text("잰 값", "Measured"), "success", "check", NONE),
    "estimated": Word(Text("추정", "Estimated"), "warning", "triangle", NONE),
    "disputed": Word(Text("다툼 있음", "Disputed"), "danger", "cross", NONE),
}
REASONS: Mapping[str, Text] = {
    "start_lost": Text("시작을 듣지 못했습니다", "Its begin was not heard"),
    "stop_lost": Text("끝을 듣지 못해 마지막 소식에서 끝난 것으로 했습니다", "Its end was not heard: it ends with the last word"),
    "no_begin_read": Text("시작할 때의 지침이 없습니다", "No register was read at its begin"),
    "no_end_read": Text("끝날 때의 지침이 없습니다", "No register was read at its end"),
    "no_register": Text("지침이 하나도 없습니다", "No register was read at all"),
    "clock_off": Text("충전기 시계가 틀려 도착한 때로 셉니다", "The station's clock is off: times are those of arrival"),
    "reset": Text("지침이 0부터 다시 시작했습니다", "The register began again at zero"),
    "backwards": Text("지침이 거꾸로 갔습니다", "The register ran backwards"),
    "too_fast": Text("충전구가 줄 수 있는 것보다 많습니다", "More than the EVSE can give"),
    "rollover": Text("지침이 마지막 자리를 넘었습니다", "The register went past its last digit"),
    "out_of_line": Text("어긋난 지침 몇 개를 뺐습니다", "Single reads that do not fit were left out"),
    "outside": Text("시작 전이나 끝난 뒤의 지침을 뺐습니다", "Reads outside the transaction were left out"),
    "absurd": Text("전력량계가 가리킬 수 없는 값을 뺐습니다", "Values no register can show were left out"),
    "by_phase": Text("상별 지침을 더했습니다", "Registers per phase were added"),
    "by_interval": Text("구간 전력량을 더했습니다", "Energy told per interval was added"),
    "steps_missing": Text("단계 번호가 빠져 있습니다", "Numbers of steps are missing"),
    "unknown_evse": Text("등록되지 않은 충전구입니다", "The EVSE is not registered"),
}
WHY: Mapping[str, Text] = {
    "released": Text("사람이 확인하고 정산했습니다", "A person settled it"),
    "words_came_late": Text("늦게 온 소식이 전력량이나 끝을 바꾸었습니다", "Late words changed its energy or end"),
    "origin_came_late": Text("에너지의 출처가 늦게 정해졌습니다", "The origin of its energy became known"),
    "origin_corrected": Text("원장이 에너지의 출처를 바로잡았습니다", "The ledger corrected the origin of its energy"),
    "rules_changed": Text("요금이나 계수가 바뀌었습니다", "Prices or factors changed"),
}
# Why a session cannot be settled by a person, by the code of the error.
REFUSED: Mapping[str, Text] = {
    "session.running": Text("아직 충전하고 있습니다.", "It still runs."),
    "session.settled": Text("이미 정산했고 그 뒤로 바뀐 것이 없습니다.", "It is settled, and nothing has changed since."),
}
LINES: Mapping[str, Text] = {
    "energy": Text("전력량", "Energy"),
    "connection": Text("연결", "Connection"),
    "idle": Text("다 채운 뒤 머문 시간", "Staying after charging"),
    "discount": Text("재생에너지 할인", "Off for renewable energy"),
}
MEMBERS: Mapping[str, Text] = {"member": Text("회원", "Member"), "guest": Text("손님", "Guest")}
FAULTS: Mapping[str, Text] = {
    "digest": Text("봉인이 내용과 다릅니다", "The seal does not fit the content"),
    "order": Text("번호가 빠졌습니다", "A number is missing"),
    "chain": Text("앞 영수증과 이어지지 않습니다", "It does not follow the receipt before"),
    "sum": Text("합이 맞지 않습니다", "Sums do not add up"),
}
SEASONS: Mapping[str, Text] = {
    "summer": Text("여름", "summer"),
    "spring_autumn": Text("봄·가을", "spring and autumn"),
    "winter": Text("겨울", "winter"),
}
