"""Names people read."""

from __future__ import annotations

from dure.core.text import Text
from dure.services.carbon.households.energy_rules import Utility

UTILITY_NAMES: dict[Utility, Text] = {
    "electricity": Text("전기", "Electricity"),
    "gas": Text("도시가스", "City gas"),
    "water": Text("수도", "Water"),
}
UNIT_NAMES = {"kWh": "kWh", "Nm3": "m³", "m3": "m³", "MJ": "MJ"}
LEFT_OUT: dict[str, Text] = {
    "": Text("셈", "counts"),
    "estimated": Text("추정 고지서", "estimated bill"),
    "exchanged": Text("계량기 교체", "meter exchanged"),
    "vacant": Text("비운 달", "nobody at home"),
    "weather": Text("기온 없음", "temperature unknown"),
    "people": Text("사람 수 다름", "other number of people"),
}
SOURCES: dict[str, Text] = {
    "entered": Text("직접 입력", "entered"),
    "file": Text("파일", "file"),
    "partner": Text("공급사", "supplier"),
    "meter": Text("스마트 계량기", "smart meter"),
}
