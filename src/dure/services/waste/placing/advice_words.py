"""Advice in words: what to do, and why it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from dure.services.waste.placing.advice import Action, Advice
    from dure.services.waste.placing.advice_records import Placement

ACTIONS: dict[Action, Text] = {
    "sensor": Text("센서 달기", "Add a sensor"),
    "enlarge": Text("큰 통으로 바꾸기", "Put a larger bin"),
    "move": Text("옮기기", "Move it"),
    "remove": Text("없애기", "Take it away"),
}


def why(one: Advice, placement: Placement, name: Callable[[str], Text]) -> Text:
    """Why a change saves, with the numbers it rests on.

    Parameters
    ----------
    name : of a bin, by its id
    """
    stands = placement.standing[one.bin]
    share, km = f"{stands.per_day * 100:.0f}", f"{stands.detour_m / 1000:.1f}"
    other, metres = name(one.beside) if one.beside else Text(""), f"{one.beside_m or 0:.0f}"
    times = f"{placement.limits.enlarge_times:g}"
    reasons: dict[Action, Text] = {
        "sensor": Text(
            "센서가 없어 지난 날만 세어 일찍 비웁니다. 센서가 있으면 찬 만큼만 갑니다.",
            "Without a sensor it is emptied early, by days. With one it is emptied when it is full enough.",
        ),
        "enlarge": Text(
            f"{times}배 큰 통이면 그만큼 드물게 들러도 넘치지 않습니다.",
            f"A bin {times} times as large can be visited less often without flowing over.",
        ),
        "move": Text(
            f"{metres} m 떨어진 {other.ko} 옆에 두면 한 번 서서 둘을 비웁니다.",
            f"Beside {other('en')}, {metres} m away, one stop empties both.",
        ),
        "remove": Text(
            f"{metres} m 떨어진 {other.ko} 쪽이 이 쓰레기를 받습니다. 설 곳이 하나 줄어듭니다.",
            f"{other('en')}, {metres} m away, takes its waste. That is one stop less.",
        ),
    }
    said = reasons[one.action]
    return Text(
        f"하루에 {share}% 차고, 들르면 보통 {km} km를 더 갑니다. {said.ko}",
        f"It fills {share}% a day, and a visit usually adds {km} km. {said.en}",
    )
