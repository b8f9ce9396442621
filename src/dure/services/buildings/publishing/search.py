"""Finding public buildings: by words in Korean or English, by first consonants, zone and use, sorted, page by page. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from dure.services.buildings.publishing.lookup import Entry

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_FIRST, _LAST, _PER_INITIAL = 0xAC00, 0xD7A3, 588
SORTS = ("name", "eui", "eui_low", "carbon", "energy", "saved")


class Question(NamedTuple):
    """What somebody looks for; empty texts ask nothing."""

    words: str = ""
    zone: str = ""
    use: str = ""
    sort: str = "name"
    language: str = "ko"


class Found(NamedTuple):
    """A page of what fits, how many fit, and how many come before the next page ("" at the end)."""

    items: Sequence[Entry]
    total: int
    after: int
    following: str


def folded(text: str) -> str:
    """A text as it is searched: composed, without case."""
    return unicodedata.normalize("NFC", text).casefold()


def initials(text: str) -> str:
    """The first consonants of Korean syllables, other characters as they are: 화성시청 is ㅎㅅㅅㅊ."""
    return "".join(_INITIALS[(ord(one) - _FIRST) // _PER_INITIAL] if _FIRST <= ord(one) <= _LAST else one for one in text)


def searched(*texts: str) -> str:
    """What the words of a question are looked for in."""
    plain = folded(" ".join(text for text in texts if text))
    return f"{plain} {initials(plain)}"


def find(entries: Sequence[Entry], question: Question, *, after: int = 0, limit: int = 30) -> Found:
    """The entries that hold every word, of the zone and the use, in order; what has no figure stands last."""
    words = folded(question.words).split()
    fitting = [
        one
        for one in entries
        if (not question.zone or one.zone == question.zone)
        and (not question.use or one.building.use == question.use)
        and all(word in one.searched for word in words)
    ]
    fitting.sort(key=lambda one: one.order[question.language])
    value = _VALUES.get(question.sort)
    if value is not None:
        fitting.sort(key=lambda one: _last(value(one)))
    begin = after if 0 <= after < len(fitting) else 0
    end = begin + limit
    return Found(fitting[begin:end], len(fitting), begin, str(end) if end < len(fitting) else "")


def _last(value: float | None) -> tuple[bool, float]:
    return (value is None, value or 0.0)


def _negative(value: float | None) -> float | None:
    return None if value is None else -value


_VALUES: Mapping[str, Callable[[Entry], float | None]] = {
    "eui": lambda one: _negative(one.eui_kwh_m2),
    "eui_low": lambda one: one.eui_kwh_m2,
    "carbon": lambda one: -one.newest.co2e_t if one.newest.months_n and not one.newest.refused else None,
    "energy": lambda one: -one.newest.energy_kwh if one.newest.months_n else None,
    "saved": lambda one: one.change,
}
