"""Words for what waste collection knows as codes: streams, kinds of sighting, health of sensors, places on a route."""

from __future__ import annotations

from collections.abc import Mapping

from dure.core.text import Text

STREAMS: Mapping[str, Text] = {
    "general": Text("일반", "General waste"),
    "recycling": Text("재활용", "Recycling"),
    "food": Text("음식물", "Food waste"),
    "paper": Text("종이", "Paper"),
    "glass": Text("유리", "Glass"),
    "plastic": Text("플라스틱", "Plastic"),
    "metal": Text("캔·금속", "Cans and metal"),
}
SIGHTINGS: Mapping[str, Text] = {
    "emptied": Text("비움", "Emptied"),
    "level": Text("눈으로 본 양", "Level seen"),
    "blocked": Text("막혀서 못 비움", "Blocked"),
    "broken": Text("고장", "Broken"),
    "report": Text("시민 신고", "Citizen's report"),
}
HEALTH: Mapping[str, tuple[Text, str, str]] = {
    "healthy": (Text("정상", "Healthy"), "success", "check"),
    "silent": (Text("무응답", "Silent"), "secondary", "ring"),
    "stuck": (Text("값이 멈춤", "Stuck"), "warning", "triangle"),
    "jumping": (Text("값이 튐", "Jumping"), "warning", "triangle"),
    "blocked": (Text("센서가 가려짐", "Sensor blocked"), "warning", "triangle"),
    "low_battery": (Text("전지 부족", "Low battery"), "warning", "triangle"),
    "no_sensor": (Text("센서 없음", "No sensor"), "gray", "dash"),
    "contradicted": (Text("사람이 본 것과 다름", "Contradicted by people"), "danger", "cross"),
    "not_compacting": (Text("압축이 안 됨", "Does not compact"), "warning", "triangle"),
}
VISITS: Mapping[str, Text] = {
    "start": Text("출발", "Start"),
    "stop": Text("쓰레기통", "Bin"),
    "dump": Text("처리장에서 비우기", "Empty at the disposal site"),
    "break": Text("쉬는 시간", "Break"),
    "end": Text("복귀", "Back at the depot"),
}


def stream(name: str) -> Text:
    """A stream in words; one that is not listed is said by its own name."""
    return STREAMS.get(name, Text(name, name))
