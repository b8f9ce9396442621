"""Words for what the house knows as codes: flags, checks, states, roles, outcomes. Rows of data, Korean and English."""

from __future__ import annotations

from typing import NamedTuple

from dure.core.observations import Check, Flag
from dure.core.text import Text


class Word(NamedTuple):
    """A code in words: its tone chooses the colour, its mark the shape (colour is never alone), `why` explains it."""

    name: Text
    tone: str
    mark: str
    why: Text


FLAGS: dict[int, Word] = {
    Flag.GOOD: Word(Text("정상", "Good"), "success", "check", Text("검사를 통과한 값입니다.", "The value passed every check.")),
    Flag.NOT_EVALUATED: Word(
        Text("평가 전", "Not evaluated"),
        "gray",
        "clock",
        Text("아직 평가하지 않은 값입니다.", "The value has not been evaluated yet."),
    ),
    Flag.SUSPECT: Word(
        Text("의심", "Suspect"),
        "warning",
        "triangle",
        Text("있을 수는 있지만 드문 값입니다.", "The value is possible but unlikely."),
    ),
    Flag.FAIL: Word(
        Text("불량", "Failed"),
        "danger",
        "cross",
        Text("사실일 수 없는 값이라 보이지 않습니다.", "The value cannot be true and is hidden."),
    ),
    Flag.MISSING: Word(
        Text("결측", "Missing"), "gray", "dash", Text("장치가 값이 없다고 알렸습니다.", "The device says that there is no value.")
    ),
}

CHECKS: dict[int, Text] = {
    Check.NONE: Text("걸린 검사가 없습니다.", "No check objected."),
    Check.MISSING_VALUE: Text("장치가 값을 보내지 않았습니다.", "The device sent no value."),
    Check.QUARANTINE: Text(
        "새 장치라 시험 중입니다. 값은 보관하지만 공개하지 않습니다.",
        "The device is new and on trial. Its values are kept but not shown.",
    ),
    Check.BELOW_POSSIBLE: Text("있을 수 있는 범위보다 낮습니다.", "Below what is possible."),
    Check.ABOVE_POSSIBLE: Text("있을 수 있는 범위보다 높습니다.", "Above what is possible."),
    Check.BELOW_LIKELY: Text("이 지역에서 드물게 낮은 값입니다.", "Unusually low for this place."),
    Check.ABOVE_LIKELY: Text("이 지역에서 드물게 높은 값입니다.", "Unusually high for this place."),
    Check.CLOCK_AHEAD: Text("장치의 시계가 앞서 있습니다.", "The clock of the device is ahead."),
    Check.OUTSIDE_CLIMATE: Text("이 계절에 드문 값입니다.", "Unusual for the season."),
    Check.SPIKE: Text("앞뒤 값에서 홀로 튀어 오른 값입니다.", "It stands out alone from the values before and after."),
    Check.RATE_OF_CHANGE: Text("앞선 값에서 너무 빨리 변했습니다.", "It changed faster than such a quantity can."),
    Check.FLAT_LINE: Text("같은 값이 너무 오래 이어집니다.", "The same value has been repeated for too long."),
    Check.ATTENUATED: Text("값의 흔들림이 지나치게 작습니다.", "It varies less than a working sensor does."),
    Check.UNLIKE_NEIGHBOURS: Text("이웃 측정소들과 너무 다릅니다.", "It differs too much from the stations around."),
    Check.UNIT_DOUBTFUL: Text("단위가 바뀐 것으로 보입니다.", "It seems to be in another unit."),
    Check.DRIFTING: Text("센서가 서서히 어긋나고 있습니다.", "The sensor is drifting."),
    Check.STATION_DOUBTFUL: Text(
        "측정소의 자리나 이름을 믿을 수 없습니다.", "The place or the identity of the station is in doubt."
    ),
    Check.CLOCK_OFF: Text("장치의 시계가 맞지 않습니다.", "The clock of the device is wrong."),
    Check.RELEASED_BY_PERSON: Text("담당자가 확인하고 되살린 값입니다.", "A person looked at it and released it."),
    Check.HELD_BY_PERSON: Text("담당자가 믿을 수 없다고 표시한 값입니다.", "A person marked it as not to be trusted."),
    Check.ESTIMATED: Text("읽은 값이 아니라 추정한 값입니다.", "It was estimated, not read."),
    Check.SUBSTITUTED: Text("다른 자료로 대신한 값입니다.", "It was put in from another source."),
    Check.DISPUTED: Text("다툼이 있어 셈에 넣지 않은 값입니다.", "It is disputed and not counted."),
}

STATUSES: dict[str, Word] = {
    "live": Word(Text("정상", "Live"), "success", "circle", Text("제때 값을 보내고 있습니다.", "It sends values in time.")),
    "suspect": Word(
        Text("의심", "Suspect"),
        "warning",
        "triangle",
        Text("최근 값 중 드문 값이 있습니다.", "One of its latest values is unlikely."),
    ),
    "failing": Word(
        Text("불량", "Failing"),
        "danger",
        "cross",
        Text("최근 값 중 사실일 수 없는 값이 있습니다.", "One of its latest values cannot be true."),
    ),
    "silent": Word(
        Text("무응답", "Silent"), "secondary", "ring", Text("값이 와야 할 때가 지났습니다.", "Its values are overdue.")
    ),
    "quarantined": Word(
        Text("시험 중", "Quarantined"),
        "information",
        "diamond",
        Text("새 장치라 아직 공개하지 않습니다.", "It is new and not yet shown."),
    ),
    "retired": Word(Text("퇴역", "Retired"), "gray", "dash", Text("더는 쓰지 않습니다.", "It is no longer used.")),
}

DEVICE_STATES: dict[str, Word] = {
    "live": Word(Text("사용 중", "Live"), "success", "circle", Text("값을 받습니다.", "Its values count.")),
    "quarantined": Word(
        Text("시험 중", "On trial"),
        "information",
        "diamond",
        Text("믿을 만한 값이 이어지면 저절로 공개됩니다.", "It goes live after enough plausible values."),
    ),
    "revoked": Word(
        Text("폐기", "Revoked"), "gray", "dash", Text("더는 값을 받지 않습니다.", "Nothing it sends is taken any more.")
    ),
}

ROLES: dict[str, Text] = {
    "citizen": Text("시민", "Citizen"),
    "crew": Text("현장 요원", "Crew"),
    "operator": Text("운영자", "Operator"),
    "officer": Text("담당 공무원", "Officer"),
    "partner": Text("협력 기관", "Partner"),
    "admin": Text("관리자", "Admin"),
    "auditor": Text("감사자", "Auditor"),
}

OUTCOMES: dict[int, tuple[Text, Text]] = {
    400: (
        Text("요청을 읽을 수 없습니다", "The request cannot be read"),
        Text("주소나 입력을 확인해 주세요.", "Check the address or what you entered."),
    ),
    401: (Text("로그인이 필요합니다", "Please sign in"), Text("로그인한 뒤 다시 여세요.", "Sign in, then open this page again.")),
    403: (
        Text("볼 수 없는 페이지입니다", "You may not do this"),
        Text("필요하면 관리자에게 권한을 요청하세요.", "Ask an admin for the right role if you need it."),
    ),
    404: (
        Text("찾을 수 없습니다", "Not found"),
        Text("주소를 확인하거나 처음 화면에서 찾아보세요.", "Check the address, or look for it from the front page."),
    ),
    409: (
        Text("이미 있는 것과 다릅니다", "It contradicts what is kept"),
        Text("지금 내용을 확인한 뒤 다시 하세요.", "Look at what is kept, then try again."),
    ),
    413: (Text("너무 큽니다", "Too large"), Text("나누어 보내 주세요.", "Send it in parts.")),
    422: (
        Text("입력을 쓸 수 없습니다", "The input cannot be used"),
        Text("아래 설명대로 고쳐 다시 보내세요.", "Correct it as described below and send it again."),
    ),
    429: (
        Text("잠시 뒤에 다시 하세요", "Too much at once"),
        Text("조금 기다린 뒤 다시 하세요.", "Wait a little, then try again."),
    ),
    503: (
        Text("지금은 답할 수 없습니다", "Not available now"),
        Text(
            "잠시 뒤 다시 열어 보세요. 보낸 측정값은 잃어버리지 않습니다.",
            "Try again shortly. Readings already accepted are not lost.",
        ),
    ),
    500: (
        Text("문제가 생겼습니다", "Something went wrong"),
        Text("기록에 남았습니다. 운영자에게 알려 주세요.", "It is in the log. Please tell the operator."),
    ),
}


def outcome(status: int) -> tuple[Text, Text]:
    """Title and advice for an HTTP status."""
    return OUTCOMES.get(status) or OUTCOMES[500 if status >= 500 else 400]
