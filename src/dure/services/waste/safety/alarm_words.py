"""An alarm in words, for those who are told outside Dure."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from dure.core.text import Language, Text
from dure.core.time import format_instant
from dure.services.waste.model import AlarmKind
from dure.services.waste.safety.alarms import Alarm

KINDS: dict[AlarmKind, Text] = {
    "fire": Text("화재 경보", "Fire alarm"),
    "hopper_jam": Text("투입구 걸림", "Hopper jammed"),
    "tilt": Text("기울어짐", "Tilted"),
}
_DOUBT = Text(
    "이 장치의 측정은 아직 확인되지 않았습니다.", "The readings of this device are not confirmed: look before you trust it."
)
_NOTHING_PRESSED = Text(
    "압축은 잠겼습니다. 불이 보이면 119에 신고하십시오.",
    "Nothing is pressed meanwhile. If you see fire, call the fire service (119).",
)


def subject_of(alarm: Alarm, name: Text, say: Language) -> str:
    """One line: what and where."""
    return f"[{KINDS[alarm.kind](say)}] {name(say)}"


def body_of(alarm: Alarm, name: Text, zone: ZoneInfo, link: str, say: Language) -> str:
    """A short mail: what, where, when, what to do, where to acknowledge."""
    at = f"{alarm.sensed_at.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    lines = [f"{KINDS[alarm.kind](say)}: {name(say)} ({alarm.bin})", at]
    if alarm.kind == "fire":
        lines.append(_NOTHING_PRESSED(say))
    if alarm.doubtful:
        lines.append(_DOUBT(say))
    lines.append(Text("확인(접수)하기: ", "Acknowledge: ")(say) + f"{link}/{say}/operations/waste/alarms")
    return "\n".join(lines) + "\n"


def data_of(alarm: Alarm, name: Text, link: str, say: Language) -> dict[str, Any]:
    """What a webhook is told beside the words."""
    return {
        "alarm": alarm.id,
        "bin": alarm.bin,
        "kind": alarm.kind,
        "state": alarm.state,
        "doubtful": alarm.doubtful,
        "sensed_at": format_instant(alarm.sensed_at),
        "raised_at": format_instant(alarm.raised_at),
        "title": subject_of(alarm, name, say),
        "link": f"{link}/{say}/operations/waste/alarms",
    }
