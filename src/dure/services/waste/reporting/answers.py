"""Is the bin full? The answer to a citizen, from what is believed of it. Pure; limits are rows of ``rules/citizen.toml``."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.waste.rules import Choice, Rule, load_pack

Word = Literal["room", "nearly", "full", "over", "unknown", "burning"]


class WordRow(Rule, frozen=True, kw_only=True):
    """Below which expected level the word holds."""

    level_below: float


class CitizenRules(msgspec.Struct, frozen=True):
    """The limits in force on a day."""

    room_below: float
    nearly_below: float
    unsure_width: float
    report_holds: timedelta
    reports_per_h: int


@lru_cache(16)
def citizen_rules(day: date, folder: Path | None = None) -> CitizenRules:
    """The rows in force on a day; a city's own pack wins."""
    pack = load_pack("citizen", folder)
    return CitizenRules(
        pack.row("words", "room", WordRow, day).level_below,
        pack.row("words", "nearly", WordRow, day).level_below,
        float(pack.row("knowledge", "unsure_width", Choice, day).value),
        timedelta(hours=float(pack.row("knowledge", "report_h", Choice, day).value)),
        int(pack.row("reports", "per_address", Choice, day).value),
    )


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one bin.

    Attributes
    ----------
    level, low, high : expected fill and its 80 % interval [1]; None: nothing is believed yet
    overflow_at : newest citizen's or crew's word that it overflows, not emptied since
    emptied_at : last emptying
    planned_at : when a truck comes today, of the plan in force
    burning : a fire alarm is open
    """

    level: float | None = None
    low: float | None = None
    high: float | None = None
    overflow_at: datetime | None = None
    emptied_at: datetime | None = None
    planned_at: datetime | None = None
    burning: bool = False


class Answer(msgspec.Struct, frozen=True):
    """A word, its tone and mark, and a sentence."""

    word: Word
    name: Text
    tone: str
    mark: str
    text: Text


ANSWERS: dict[Word, Answer] = {
    "room": Answer("room", Text("자리 있음", "There is room"), "success", "check", Text("버려도 됩니다.", "You can use it.")),
    "nearly": Answer(
        "nearly",
        Text("거의 참", "Nearly full"),
        "warning",
        "triangle",
        Text("작은 것만 들어갑니다.", "Only small things still fit."),
    ),
    "full": Answer(
        "full", Text("가득 참", "Full"), "danger", "cross", Text("가까운 다른 통을 써 주세요.", "Please use another bin nearby.")
    ),
    "over": Answer(
        "over",
        Text("넘침", "Overflowing"),
        "danger",
        "cross",
        Text("옆에 두지 말고 가까운 다른 통을 써 주세요.", "Please leave nothing beside it; use another bin nearby."),
    ),
    "burning": Answer(
        "burning",
        Text("쓰지 마세요", "Do not use it"),
        "danger",
        "diamond",
        Text("화재 경보가 울렸습니다. 불이 보이면 119에 알리세요.", "It gives a fire alarm. If you see fire, call 119."),
    ),
    "unknown": Answer(
        "unknown",
        Text("모름", "Not known"),
        "gray",
        "dash",
        Text("이 통의 소식이 없거나 너무 불확실합니다.", "Nothing is known of this bin, or too little."),
    ),
}


def answer(known: Known, rules: CitizenRules, now: datetime) -> Answer:
    """The answer, worst first: fire, what people saw, what is believed; unknown where the belief is too wide to say."""
    if known.burning:
        return ANSWERS["burning"]
    seen = known.overflow_at
    if seen is not None and now - seen <= rules.report_holds and (known.emptied_at is None or known.emptied_at < seen):
        return ANSWERS["over"]
    level = _sure_level(known, rules)
    return ANSWERS["unknown"] if level is None else ANSWERS[_word(level, rules)]


def _sure_level(known: Known, rules: CitizenRules) -> float | None:
    """The expected level, where the belief is narrow enough to say one."""
    if known.level is None or not math.isfinite(known.level):
        return None
    if known.low is not None and known.high is not None and known.high - known.low > rules.unsure_width:
        return None
    return known.level


def _word(level: float, rules: CitizenRules) -> Word:
    if level < rules.room_below:
        return "room"
    if level < rules.nearly_below:
        return "nearly"
    return "full" if level <= 1 else "over"
