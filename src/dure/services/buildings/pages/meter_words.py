"""Words of meters' pages: qualities, sources, states, units that people read."""

from __future__ import annotations

from collections.abc import Mapping

from dure.core.text import Text
from dure.services.buildings.reads.model import Book, Quality
from dure.web.words import Word

SHOWN: Mapping[Book, str] = {"Wh": "kWh", "L": "m3", "kJ": "MJ", "g": "kg"}  # a thousand of the book's unit
PER_SHOWN = 1_000
NONE = Text("")
QUALITIES: Mapping[str, Word] = {
    Quality.MEASURED: Word(
        Text("실측", "Measured"), "success", "check", Text("지침에서 바로 나온 양입니다.", "It follows from reads.")
    ),
    Quality.ESTIMATED: Word(
        Text("추정", "Estimated"), "warning", "triangle", Text("더 긴 기간의 양을 나눈 것입니다.", "A share of a longer span.")
    ),
    Quality.SUBSTITUTED: Word(
        Text("대체", "Substituted"), "information", "diamond", Text("사람이 넣거나 옮긴 양입니다.", "A person put or moved it.")
    ),
    Quality.DISPUTED: Word(
        Text("다툼", "Disputed"), "danger", "cross", Text("믿을 수 없어 합에 넣지 않습니다.", "Not believed, and not summed.")
    ),
}
MISSING = Word(Text("없음", "Missing"), "gray", "dash", NONE)
SOURCES: Mapping[str, Text] = {
    "intervals": Text("시간별 구간", "Intervals"),
    "bills": Text("청구", "Bills"),
    "both": Text("구간과 청구", "Intervals and bills"),
    "formula": Text("계산식", "Formula"),
    "parcel": Text("필지에서 나눔", "Share of its parcel"),
    "none": Text("없음", "Nothing"),
}
PARTS: Mapping[str, Text] = {"main": Text("주 계량기", "Main meter"), "sub": Text("부 계량기", "Sub-meter")}
KINDS: Mapping[str, Text] = {
    "bills": Text("청구", "Bills"),
    "intervals": Text("시간별 구간", "Intervals"),
    "green_button": Text("그린버튼", "Green Button"),
    "weather": Text("기상", "Weather"),
    "parcels": Text("필지별 월 사용량", "Parcel months"),
}
FRESH: Mapping[str, Word] = {
    "fresh": Word(Text("들어오는 중", "Coming in"), "success", "check", NONE),
    "late": Word(Text("늦음", "Late"), "warning", "clock", NONE),
    "silent": Word(Text("소식 없음", "Silent"), "danger", "cross", NONE),
    "billed": Word(Text("청구로 받음", "By bills"), "information", "circle", NONE),
    "formula": Word(Text("계산함", "Computed"), "information", "diamond", NONE),
}
REACHES: Mapping[str, tuple[Text, int]] = {
    "1d": (Text("하루", "A day"), 1),
    "7d": (Text("7일", "7 days"), 7),
    "30d": (Text("30일", "30 days"), 30),
}
