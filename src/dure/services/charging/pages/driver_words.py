"""What the driver's page says in each phase, and why a start or stop was refused: rows of data, Korean and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from dure.core.text import Text

if TYPE_CHECKING:
    from dure.core.errors import DureError
    from dure.services.charging.driving.driver_desk import Phase
    from dure.services.charging.publishing.standing import State
    from dure.services.charging.stations.calls import Call


class Told(NamedTuple):
    """The large words of a phase, its tone and mark, and what to do."""

    name: Text
    tone: str
    mark: str
    text: Text


_PHASES: Mapping[Phase, Told] = {
    "start": Told(
        Text("충전할 수 있습니다", "Ready to charge"),
        "success",
        "check",
        Text("플러그를 차에 꽂고 아래에서 시작하세요.", "Plug in your car, then start below."),
    ),
    "waiting": Told(
        Text("시작하는 중", "Starting"),
        "information",
        "clock",
        Text(
            "충전기에 알렸습니다. 아직이면 플러그를 차에 꽂으세요. 이 화면은 저절로 바뀝니다.",
            "The charger has been told. Plug in your car if you have not yet. This page changes by itself.",
        ),
    ),
    "refused": Told(
        Text("시작하지 못했습니다", "It did not start"),
        "warning",
        "triangle",
        Text("아래 까닭을 보고 다시 해 보세요.", "See why below, then try again."),
    ),
    "mine": Told(
        Text("충전하고 있습니다", "Charging"),
        "success",
        "circle",
        Text("이 전화에서 언제든 멈출 수 있습니다.", "You can stop it from this phone at any time."),
    ),
    "ended": Told(
        Text("충전이 끝났습니다", "Charging has ended"),
        "success",
        "check",
        Text("플러그를 뽑고 자리를 비워 주세요.", "Please unplug and free the place."),
    ),
    "taken": Told(
        Text("다른 차가 쓰고 있습니다", "Taken"),
        "warning",
        "triangle",
        Text(
            "이 충전은 시작한 전화나 카드로만 멈출 수 있습니다.", "Only the phone or card that started this charge can stop it."
        ),
    ),
    "closed": Told(
        Text("지금은 쓸 수 없습니다", "Not available now"),
        "danger",
        "cross",
        Text("같은 충전소의 다른 자리를 찾아보세요.", "Please look for another place at this site."),
    ),
}
_UNKNOWN = Told(
    Text("충전기와 연결이 없습니다", "The charger is not connected"),
    "warning",
    "ring",
    Text(
        "이 화면에서는 시작할 수 없습니다. 회원 카드를 충전기에 대면 될 수 있습니다.",
        "It cannot be started from here. A member's card at the charger may still work.",
    ),
)
_REFUSALS: Mapping[str, Text] = {
    "evse.busy": Text("다른 차가 이미 충전하고 있습니다.", "Another vehicle is charging here already."),
    "station.offline": Text(
        "충전기와 연결이 끊겨 있습니다. 조금 뒤에 다시 하거나 다른 충전기를 쓰세요.",
        "The charger is not connected. Try again shortly, or use another one.",
    ),
    "charger.unknown": Text("이 충전기는 아직 연결된 적이 없습니다.", "This charger has never been connected."),
    "station.silent": Text("충전기가 답하지 않았습니다. 다시 해 보세요.", "The charger did not answer. Try again."),
    "driver.too_often": Text("너무 자주 눌렀습니다. 잠시 뒤에 다시 하세요.", "Too many attempts. Try again in a while."),
    "rejected": Text(
        "충전기가 거절했습니다. 플러그가 잘 꽂혔는지, 카드가 맞는지 보고 다시 해 보세요.",
        "The charger refused. Check the plug and the card, then try again.",
    ),
    "expired": Text("충전기가 제때 답하지 않았습니다. 다시 해 보세요.", "The charger did not answer in time. Try again."),
    "unplugged": Text(
        "플러그가 꽂히지 않아 시작하지 않았습니다. 꽂은 뒤 다시 시작하세요.",
        "No car was plugged in, so it did not start. Plug in, then start again.",
    ),
}
_OTHER = Text(
    "충전기에 알리지 못했습니다. 다시 하거나 다른 충전기를 쓰세요.",
    "The charger could not be told. Try again, or use another one.",
)


def phase_words(phase: Phase, state: State) -> Told:
    """The words of a phase; a place whose charger is not connected has its own."""
    return _UNKNOWN if phase == "closed" and state == "unknown" else _PHASES[phase]


def refusal(of: DureError | Call) -> Text:
    """Why something was refused, in words for a driver."""
    code = of.code
    outcome = getattr(of, "outcome", "")
    if outcome in {"done", "accepted"}:
        code = "unplugged"
    elif outcome in {"rejected", "expired"} and code not in _REFUSALS:
        code = outcome
    return _REFUSALS.get(code, _OTHER)
