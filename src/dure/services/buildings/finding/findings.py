"""What a detector says: which waste, since when, on what evidence, and how much it comes to while it lasts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dure.core.text import Text

Kind = Literal["night_base", "weekend", "leak", "stuck", "schedule_drift", "missing"]
KINDS: tuple[Kind, ...] = ("night_base", "weekend", "leak", "stuck", "schedule_drift", "missing")
HOURS_PER_YEAR = 8_766.0

NAMES: dict[Kind, Text] = {
    "night_base": Text("밤 기저 사용 증가", "Higher base load at night"),
    "weekend": Text("쉬는 날에도 평일처럼 가동", "Runs on days off as on workdays"),
    "leak": Text("기저 사용이 계단처럼 오름(누설)", "Step of the base load (leak)"),
    "stuck": Text("계량기 값이 멈춤", "Meter stuck"),
    "schedule_drift": Text("가동 시간이 밀림", "Start or stop has moved"),
    "missing": Text("사용량이 비어 있음", "Readings or a month are missing"),
}

CHECKS: dict[Kind, tuple[Text, ...]] = {
    "night_base": (
        Text(
            "문 닫은 뒤 켜져 있는 환기, 펌프, 조명을 한 바퀴 돌며 확인합니다.", "Walk round after closing: fans, pumps, lights."
        ),
        Text("자동제어의 야간 설정과 강제 운전(수동)을 확인합니다.", "Check night set points and manual overrides."),
        Text("새로 들인 장비(서버, 냉장, 전열기)가 있는지 묻습니다.", "Ask for new equipment: servers, refrigerators, heaters."),
    ),
    "weekend": (
        Text("자동제어의 휴일 달력과 예약 운전을 확인합니다.", "Check the holiday calendar and the schedules of the control."),
        Text("주말 행사나 대관이 있었는지 묻습니다.", "Ask whether there was an event."),
        Text("누가 수동으로 켰는지, 되돌렸는지 확인합니다.", "See who switched to manual, and whether it was undone."),
    ),
    "leak": (
        Text("그날 무엇이 바뀌었는지(공사, 장비, 밸브) 확인합니다.", "Find what changed that day: works, equipment, valves."),
        Text("물·가스면 밤에 모두 잠그고 계량기가 도는지 봅니다.", "Water or gas: close all at night and watch the meter."),
        Text("전기면 분기 회로를 하나씩 재어 늘어난 곳을 찾습니다.", "Electricity: measure the branch circuits one by one."),
    ),
    "stuck": (
        Text("계량기의 지침이 움직이는지 눈으로 봅니다.", "Look whether the register moves."),
        Text("통신 장치의 전원과 선을 확인하고 다시 켭니다.", "Check power and wires of the transmitter and restart it."),
        Text("지침을 적어 두어 빈 구간을 맞춥니다.", "Note the register so that the span can be trued up."),
    ),
    "schedule_drift": (
        Text("자동제어의 시계와 예약 시간을 확인합니다.", "Check the clock and the schedule of the control."),
        Text("최적 기동의 학습값이나 한계를 확인합니다.", "Check what optimum start has learned, and its limits."),
    ),
    "missing": (
        Text("통신과 계량기 전원을 확인합니다.", "Check the transmission and the meter's power."),
        Text("고지서가 왔는지 공급자에게 확인하고 올립니다.", "Ask the supplier for the bill and import it."),
    ),
}


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One waste of one meter.

    Attributes
    ----------
    since : when it began, as far as the readings tell; until : end of what was looked at
    actual, expected : over the window from `window_from` to `until` [book unit]
    excess_per_h : of the hours in which it runs [book unit / h]; 0: not known
    hours_year : hours of a year it would run [h]
    numbers : the figures of the test, units in their names
    rule : id of the threshold's row, as `Pack.basis` names it
    provisional : whether that row is to be confirmed
    """

    kind: Kind
    meter: str
    since: datetime
    until: datetime
    window_from: datetime
    actual: float
    expected: float
    excess_per_h: float
    hours_year: float
    numbers: dict[str, float]
    rule: str
    provisional: bool

    @property
    def excess_year(self) -> float:
        """What it comes to in a year if nothing is done [book unit]."""
        return self.excess_per_h * self.hours_year
