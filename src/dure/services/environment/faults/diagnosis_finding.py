"""A fault of a station as a detector sees it, what it means and what to do first."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dure.core.text import Text

Kind = Literal["unit_mixed", "swapped", "channels_swapped", "moved", "doubled", "clock_off", "gaps", "stuck", "spiking", "drift"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a station, how sure the detector is (0 to 1), since when at least, and the numbers it rests on.

    `property` is the series; the shell may merge findings of one kind over the properties of a station.
    """

    kind: Kind
    asset: str
    property: str
    confidence: float
    since_us: int
    evidence: dict[str, Any]


class Explanation(msgspec.Struct, frozen=True):
    """A kind of finding for people: its title, what it means, and what the technician does first."""

    title: Text
    meaning: Text
    first_step: Text


EXPLANATIONS: dict[Kind, Explanation] = {
    "unit_mixed": Explanation(
        Text("단위가 다름", "Another unit is sent"),
        Text(
            "값이 이웃 측정소의 값에 일정한 환산 계수를 곱한 것과 같습니다. 기기가 다른 단위로 보내는 것으로 보입니다.",
            "The values are those of the neighbours times a known factor: the device seems to send another unit.",
        ),
        Text(
            "기기 설정과 코덱의 단위를 확인하고, 기기를 고치거나 전송 단위를 선언하세요. 원시값은 그대로 보관됩니다.",
            "Check the unit in the device's settings and codec; correct it or state the unit it sends. Raw values are kept.",
        ),
    ),
    "swapped": Explanation(
        Text("두 측정소가 서로 바뀜", "Two stations exchanged"),
        Text(
            "두 측정소의 값이 각각 상대 위치의 이웃과 일치합니다. 기기나 등록이 서로 바뀐 것으로 보입니다.",
            "Each of two series goes with the neighbours of the other's place: the devices or their registrations are exchanged.",
        ),
        Text(
            "두 곳에서 기기 번호표를 확인하고 등록을 맞바꾸세요.",
            "Read the device labels at both places and exchange the registrations.",
        ),
    ),
    "channels_swapped": Explanation(
        Text("두 측정 항목이 서로 바뀜", "Two channels exchanged"),
        Text(
            "한 측정소의 두 항목이 각각 상대 항목의 이웃 값과 일치합니다. 배선이나 항목 지정이 바뀐 것으로 보입니다.",
            "Two quantities of one station each go with the neighbours' other quantity: wires or field names are exchanged.",
        ),
        Text(
            "단자 배선과 코덱의 항목 이름을 확인하세요.",
            "Check the wiring and the field names of the codec.",
        ),
    ),
    "moved": Explanation(
        Text("다른 곳에 있음", "Stands elsewhere"),
        Text(
            "값의 변화가 등록된 위치의 이웃과 맞지 않고 다른 위치의 이웃과 맞습니다. 측정소를 옮긴 것으로 보입니다.",
            "The series no longer goes with the neighbours of its registered place but with those of another: it was moved.",
        ),
        Text(
            "현장에서 실제 위치를 확인하고 등록된 좌표를 고치거나 기기를 되돌려 놓으세요.",
            "Find out where it really stands; correct the registered place or bring the device back.",
        ),
    ),
    "doubled": Explanation(
        Text("한 번호로 두 기기가 보냄", "Two devices under one id"),
        Text(
            "두 수준의 값이 번갈아 들어옵니다. 같은 식별 번호를 쓰는 기기가 두 대인 것으로 보입니다.",
            "Two levels arrive in turn: two devices seem to use one id.",
        ),
        Text(
            "같은 식별 번호로 설정된 기기를 찾아 하나를 새 번호로 등록하세요.",
            "Find the devices set to this id and register one of them anew.",
        ),
    ),
    "clock_off": Explanation(
        Text("기기 시계가 틀림", "Clock is off by hours"),
        Text(
            "측정 시각과 도착 시각의 차이가 일정하게 시간 단위로 벌어져 있습니다. 시간대(UTC/KST)나 시계 설정 오류로 보입니다.",
            "Stated time and arrival differ steadily by whole hours: the time zone (UTC/KST) or the clock is set wrongly.",
        ),
        Text(
            "기기의 시간대와 시각 동기화(NTP)를 확인하세요.",
            "Check the device's time zone and time synchronisation (NTP).",
        ),
    ),
    "gaps": Explanation(
        Text("값이 자주 빠짐", "Readings are missing"),
        Text(
            "주기에 따라 와야 할 값의 일부가 오지 않았습니다.",
            "Part of the readings that its period promises did not come.",
        ),
        Text(
            "전원, 통신 신호 세기, 게이트웨이를 확인하세요.",
            "Check power, signal strength and the gateway.",
        ),
    ),
    "stuck": Explanation(
        Text("값이 변하지 않음", "Stuck"),
        Text("센서가 같은 값을 되풀이합니다.", "The sensor repeats one value."),
        Text(
            "센서를 다시 켜고, 흡입구와 결빙·이물질을 확인하세요.", "Restart the sensor; look for a blocked inlet, ice or dirt."
        ),
    ),
    "spiking": Explanation(
        Text("값이 자주 튐", "Spiking"),
        Text("있을 수 없는 순간 값이 자주 들어옵니다.", "Single impossible values come often."),
        Text("배선 접촉, 접지, 전원 잡음을 확인하세요.", "Check loose wires, grounding and noise of the power supply."),
    ),
    "drift": Explanation(
        Text("값이 서서히 벗어남", "Drifting"),
        Text("이웃과의 차이가 날마다 조금씩 커집니다.", "The difference from the neighbours grows day by day."),
        Text("청소하고 기준기와 비교한 뒤 다시 교정하세요.", "Clean it, compare it with a reference and calibrate it again."),
    ),
}
