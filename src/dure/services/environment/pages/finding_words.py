"""What a finding says in words: the numbers it rests on as one plain sentence, and as a table. Rows of data, two languages."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from dure.core.errors import InputError
from dure.core.observations import Check, Flag
from dure.core.text import Text
from dure.core.time import parse_instant
from dure.services.environment.faults.diagnosis_finding import EXPLANATIONS, Explanation
from dure.web.i18n import unit_label
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from dure.core.properties import Properties
    from dure.services.environment.faults.findings import Finding
    from dure.web.i18n import Speech

STATES: dict[str, Word] = {
    "open": Word(Text("열림", "Open"), "danger", "cross", Text("아무도 맡지 않았습니다.", "Nobody has taken it over.")),
    "acknowledged": Word(Text("맡음", "Taken over"), "information", "clock", Text("누가 맡았습니다.", "Somebody sees to it.")),
    "closed": Word(Text("닫힘", "Closed"), "gray", "check", Text("끝났습니다.", "It is over.")),
}
HIDES = Word(
    Text("값을 숨김", "Values held back"),
    "danger",
    "cross",
    Text(
        "닫을 때까지 새 값을 불량으로 보관하고 쓰지 않습니다.",
        "Until it is closed, new values are kept as failed and not used.",
    ),
)
DOUBTS = Word(
    Text("값을 의심으로 표시", "Values marked suspect"),
    "warning",
    "triangle",
    Text("닫을 때까지 새 값을 의심으로 표시합니다.", "Until it is closed, new values are marked as suspect."),
)
LEAVES = Word(
    Text("값은 그대로", "Values unchanged"),
    "gray",
    "dash",
    Text("값마다의 검사만 적용됩니다.", "Only the checks of each value apply."),
)

# What the numbers say, by kind and, where a kind shows itself in more than one way, by its sign.
SENTENCES: dict[str, Text] = {
    "unit_mixed": Text(
        "이웃의 값과 {difference} 다릅니다. {sent_in} 단위로 보낸 것으로 읽으면 차이가 {difference_converted}입니다"
        "(이 측정망의 보통 차이 {usual_difference}).",
        "It differs from its neighbours by {difference}. Read as {sent_in} it differs by {difference_converted}"
        " (usual in this network: {usual_difference}).",
    ),
    "swapped": Text(
        "변화가 제자리 이웃과는 {likeness_here}, {place_of} 자리의 이웃과는 {likeness_there} 닮았습니다(1이면 꼭 같음).",
        "It goes with the neighbours of its own place by {likeness_here} and with those of {place_of} by {likeness_there}"
        " (1 is fully alike).",
    ),
    "moved": Text(
        "변화가 등록된 자리의 이웃과는 {likeness_here}, {place_of} 가까이의 이웃과는 {likeness_there} 닮았습니다(1이면 꼭 같음).",
        "It goes with the neighbours of its registered place by {likeness_here} and with those near {place_of} by"
        " {likeness_there} (1 is fully alike).",
    ),
    "channels_swapped": Text(
        "이웃의 값과 {difference} 다르지만 이웃의 {with} 값과는 {difference_exchanged} 차이입니다.",
        "It differs from its neighbours by {difference}, but from their {with} by {difference_exchanged} only.",
    ),
    "doubled.two_values_at_one_instant": Text(
        "값 {readings}개 가운데 {share}가 한 시각에 두 번, 서로 다른 값으로 왔습니다.",
        "Of {readings} readings {share} came twice for one instant with different values.",
    ),
    "doubled.levels_in_turn": Text(
        "값 {readings}개가 {low}쯤과 {high}쯤을 번갈아 오갑니다.",
        "{readings} readings go to and fro between about {low} and about {high}.",
    ),
    "doubled.rhythms_in_turn": Text(
        "한 주기에 {readings_per_period}번 오고, 간격이 {gaps_s} 사이를 번갈아 오갑니다.",
        "It sends {readings_per_period} times a period, with gaps that alternate between {gaps_s}.",
    ),
    "clock_off": Text(
        "값 {readings}개 가운데 {share}의 시각이 도착한 때와 {ahead_s} 어긋납니다.",
        "Of {readings} readings {share} state a time {ahead_s} away from their arrival.",
    ),
    "gaps": Text(
        "와야 할 값 {expected}개 가운데 {came}개가 와서 {missing_share}가 빠졌습니다. 가장 길게 빈 동안은 {longest_gap_s}입니다.",
        "Of {expected} readings promised {came} came, {missing_share} are missing. The longest gap was {longest_gap_s}.",
    ),
    "stuck": Text(
        "값 {readings}개 가운데 {share}가 변하지 않는다는 검사에 걸렸습니다.",
        "Of {readings} readings {share} were held because they do not change.",
    ),
    "spiking": Text(
        "값 {readings}개 가운데 {share}가 튀는 값 검사에 걸렸습니다.", "Of {readings} readings {share} were held as spikes."
    ),
    "drift": Text(
        "이웃에 견준 값이 하루에 {rate_per_day}씩 변합니다({direction}).",
        "Against its neighbours it changes by {rate_per_day} a day ({direction}).",
    ),
}
NAMES: dict[str, Text] = {
    "since": Text("시작", "Since"),
    "properties": Text("드러난 항목", "Quantities that showed it"),
    "sent_in": Text("보낸 것으로 보이는 단위(그럴듯한 것부터)", "Unit it seems to send (likeliest first)"),
    "unit": Text("우리 단위", "Our unit"),
    "factor": Text("환산 배수", "Factor"),
    "offset": Text("환산 더하기", "Offset"),
    "difference": Text("이웃과의 차이", "Difference from the neighbours"),
    "difference_converted": Text("환산한 값의 차이", "Difference when converted"),
    "difference_exchanged": Text("맞바꾼 값의 차이", "Difference when exchanged"),
    "usual_difference": Text("보통 차이", "Usual difference"),
    "place_of": Text("닮은 자리", "Place it goes with"),
    "likeness_here": Text("제자리 이웃과 닮은 정도", "Likeness to its own neighbours"),
    "likeness_there": Text("그 자리 이웃과 닮은 정도", "Likeness to the neighbours there"),
    "neighbours": Text("이웃", "Neighbours"),
    "with": Text("맞바뀐 항목", "Exchanged with"),
    "readings": Text("본 값의 수", "Readings looked at"),
    "readings_per_period": Text("한 주기에 온 값의 수", "Readings per period"),
    "share": Text("걸린 비율", "Share"),
    "sign": Text("드러난 모습", "How it shows"),
    "low": Text("낮은 쪽", "Lower level"),
    "high": Text("높은 쪽", "Upper level"),
    "gaps_s": Text("번갈아 나타나는 간격", "Gaps in turn"),
    "hours": Text("어긋난 시간(시)", "Hours off"),
    "ahead_s": Text("앞선 동안", "Ahead by"),
    "expected": Text("와야 할 값", "Readings promised"),
    "came": Text("온 값", "Readings that came"),
    "missing_share": Text("빠진 비율", "Share missing"),
    "longest_gap_s": Text("가장 길게 빈 동안", "Longest gap"),
    "longest_gap_from_us": Text("그 시작", "It began"),
    "checks": Text("걸린 검사", "Checks that held values"),
    "confidence": Text("확실한 정도(0~1)", "Confidence (0 to 1)"),
    "direction": Text("방향", "Direction"),
    "rate_per_day": Text("하루 변화", "Change per day"),
    "days": Text("본 날의 수", "Days looked at"),
    "sum": Text("쌓인 어긋남", "Deviation summed up"),
    "threshold": Text("그 한계", "Its limit"),
    "level": Text("그날의 차이", "Difference of the day"),
    "reference": Text("처음의 차이", "Difference at first"),
    "noise": Text("보통 흔들림", "Usual noise"),
}
SIGNS: dict[str, Text] = {
    "two_values_at_one_instant": Text("한 시각에 두 값", "Two values at one instant"),
    "levels_in_turn": Text("두 수준이 번갈아", "Two levels in turn"),
    "rhythms_in_turn": Text("두 간격이 번갈아", "Two rhythms in turn"),
    "up": Text("올라감", "Up"),
    "down": Text("내려감", "Down"),
}
QUANTITIES = {"difference", "difference_converted", "difference_exchanged", "usual_difference", "low", "high"}
FOREIGN_UNITS = {
    "1": "0~1",
    "[mi_i]/h": "mph",
    "[kn_i]": "kn",
    "[degF]": "℉",
    "[in_i]": "in",
    "m[Hg]": "mHg",
    "mm[Hg]": "mmHg",
    "[in_i'Hg]": "inHg",
}
UNTOLD = {"at_us", "since_us", "found", "rate_unit"}  # said by other lines
SHARES = {"share", "missing_share"}
STATIONS = {"place_of", "neighbours"}
LIKENESS = {"likeness_here", "likeness_there", "confidence"}


class Item(NamedTuple):
    """A line of the evidence: its name, the value in words, and the stations it names."""

    name: str
    value: str
    stations: tuple[str, ...] = ()


class FindingWords:
    """Findings for one reader."""

    def __init__(self, say: Speech, properties: Properties, name_of: Callable[[str], str]) -> None:
        self._say, self._properties, self._name_of = say, properties, name_of

    def explained(self, one: Finding) -> Explanation:
        """Title, meaning and first step; a kind of another version stands under its own name."""
        unknown = Explanation(Text(one.kind, one.kind), Text(""), Text(""))
        return dict[str, Explanation](EXPLANATIONS).get(one.kind, unknown)  # type: ignore[arg-type]  # kinds are text in the records

    def sentence(self, one: Finding) -> str:
        """The evidence in one sentence with numbers and units; the meaning of the kind where numbers lack."""
        key = f"{one.kind}.{one.evidence['sign']}" if "sign" in one.evidence else one.kind
        pattern = SENTENCES.get(key)
        values = {name: self._words(name, value, one) for name, value in _likeliest(one.evidence).items()}
        try:
            return self._say.text(pattern).format(**values) if pattern else self._say.text(self.explained(one).meaning)
        except KeyError:
            return self._say.text(self.explained(one).meaning)

    def table(self, one: Finding) -> list[Item]:
        """The evidence line by line."""
        found = []
        order = {name: number for number, name in enumerate(NAMES)}
        told = {name: value for name, value in one.evidence.items() if name not in UNTOLD}
        for name, value in sorted(told.items(), key=lambda item: order.get(item[0], len(order))):
            stations = tuple(value if isinstance(value, list) else [value]) if name in STATIONS and value else ()
            label = self._say.text(NAMES[name]) if name in NAMES else name
            found.append(Item(label, self._words(name, value, one), tuple(map(str, stations))))
        return found

    def since(self, one: Finding) -> datetime:
        """Since when it is so: what the evidence says, else when it was found."""
        try:
            return parse_instant(str(one.evidence.get("since", "")))
        except InputError:
            return one.found_at

    def property_name(self, property_id: str) -> str:
        """A property by its name; its id where it is not registered."""
        known = self._properties.get(property_id)
        return self._say.text(known.name) if known else property_id

    def _words(self, name: str, value: Any, one: Finding) -> str:
        if isinstance(value, list):
            return ", ".join(self._words(name, each, one) for each in value) or "–"
        if isinstance(value, dict):
            return ", ".join(f"{each} {self._words('', number, one)}" for each, number in value.items())
        if isinstance(value, str):
            return self._text(name, value, one)
        if not isinstance(value, int | float) or isinstance(value, bool):
            return "–" if value is None else str(value)
        return self._number(name, value, one)

    def _text(self, name: str, value: str, one: Finding) -> str:
        if name in STATIONS:
            return self._name_of(value)
        if name in {"with", "properties"}:
            return self.property_name(value)
        if name in {"unit", "sent_in"}:
            return FOREIGN_UNITS.get(value, unit_label(value))
        if name == "since":
            return self._say.when(self.since(one))
        return self._say.text(SIGNS[value]) if value in SIGNS else value

    def _rate(self, value: float, one: Finding) -> str:
        if one.evidence.get("rate_unit") == "%/d":
            return f"{self._say.number(value, _decimals(value))}%"
        known = self._properties.get(one.property)
        return self._say.quantity(value, _decimals(value), known.unit if known else "1")

    def _number(self, name: str, value: float, one: Finding) -> str:
        if name == "rate_per_day":
            return self._rate(abs(value), one)
        known = self._properties.get(one.property or _only(one.evidence.get("properties")))
        if name in QUANTITIES and known is not None:
            return self._say.quantity(value, max(known.decimals, _decimals(value)), known.unit)
        if name in SHARES:
            return f"{self._say.number(100 * value, 0 if value >= 0.1 else 1)}%"
        if name.endswith("_us"):
            return self._say.when(self._say.at(int(value)))
        if name.endswith("_s"):
            return self._say.span(timedelta(seconds=abs(value)))
        return self._say.number(value, 2 if name in LIKENESS else _decimals(value))


def effect(kind: str, held_by: Mapping[str, tuple[Flag, Check]]) -> Word:
    """What an unsettled finding of a kind does to new values."""
    if kind not in held_by:
        return LEAVES
    return HIDES if held_by[kind][0] == Flag.FAIL else DOUBTS


def _likeliest(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """The evidence with the likeliest unit alone: a sentence names one."""
    units = evidence.get("sent_in")
    return dict(evidence) | ({"sent_in": units[:1]} if isinstance(units, list) else {})


def _only(names: Any) -> str:
    """The one property among them; none where there are several."""
    return str(names[0]) if isinstance(names, list) and len(names) == 1 else ""


def _decimals(value: float) -> int:
    """Decimals that leave two figures of a number, at most six."""
    size = float(abs(value))
    if size >= 10 or size.is_integer():
        return 0
    places = 1
    while size < 1 and places < 6:
        size, places = size * 10, places + 1
    return places


__all__ = ["DOUBTS", "HIDES", "LEAVES", "STATES", "FindingWords", "Item", "effect"]
