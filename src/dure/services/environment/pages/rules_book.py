"""Rule packs as people and machines read them: which there are, whose file it is, the rows in force, limits in words."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from dure.core.errors import ConfigError, NotFound
from dure.core.text import Text
from dure.services.environment.checks.quality_rules import quality_rules
from dure.services.environment.rules import SHIPPED, Mark, Pack, load_pack
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dure.core.properties import Property
    from dure.services.environment.checks.quality import Limits, Span
    from dure.services.environment.rules import Basis
    from dure.web.i18n import Speech

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
# Fields of every row, which have columns of their own.
FRAME = frozenset({"id", "effective_from", "effective_to", "source", "mark", "dated", "unit", "note", "name"})
LOOKS = frozenset({"tone", "shape", "unit_word", "short"})  # how a screen shows a row
MARKS: dict[Mark, Word] = {
    "verified source": Word(Text("출처 확인", "Verified source"), "success", "check", Text("", "")),
    "secondary source": Word(Text("간접 출처", "Secondary source"), "information", "circle", Text("", "")),
    "to be confirmed": Word(Text("확인 필요", "To be confirmed"), "warning", "triangle", Text("", "")),
    "own choice": Word(Text("두레의 선택", "Own choice"), "gray", "diamond", Text("", "")),
}
MONTHS = 12


class Row(NamedTuple):
    """A rule in force: its table, the row, and its own fields (without those of every row)."""

    table: str
    row: Mapping[str, Any]
    fields: dict[str, Any]


class Leaf(msgspec.Struct, frozen=True):
    """A pack on a day. `own` says that the city's file holds instead of Dure's."""

    id: str
    version: str
    name: Text
    own: bool
    on: date
    tables: Mapping[str, tuple[Mapping[str, Any], ...]]

    @property
    def rows(self) -> list[Row]:
        """Every row in force."""
        return [Row(table, row, fields_of(row)) for table, rows in self.tables.items() for row in rows]

    @property
    def marks(self) -> Counter[str]:
        """How many rows bear which mark."""
        return Counter(str(row["mark"]) for rows in self.tables.values() for row in rows)


def names(folder: Path) -> list[str]:
    """Every pack there is, Dure's and the city's, in order."""
    places = (SHIPPED, folder / "rules")
    return sorted({file.stem for place in places for file in place.glob("*.toml") if _NAME.fullmatch(file.stem)})


def open_pack(name: str, folder: Path, on: date) -> Leaf:
    """A pack on a day.

    Raises
    ------
    NotFound : ``rules.unknown``
    ConfigError : the file cannot be used, as `load_pack` says
    """
    if name not in names(folder):
        raise NotFound("rules.unknown", f"There is no rule pack {name[:80]!r}.")
    pack = load_pack(name, folder)
    return leaf_of(pack, on, own=not pack.file.startswith(str(SHIPPED)))


class Shelf(NamedTuple):
    """Packs that can be read, and what is wrong with those that cannot."""

    leaves: list[Leaf]
    troubles: list[str]


def shelf(folder: Path, on: date) -> Shelf:
    """Every pack on a day."""
    leaves, troubles = [], []
    for name in names(folder):
        try:
            leaves.append(open_pack(name, folder, on))
        except ConfigError as error:
            troubles.append(error.message)
    return Shelf(leaves, troubles)


def leaf_of(pack: Pack, on: date, *, own: bool) -> Leaf:
    """What of a pack is in force on a day."""
    tables = {table: tuple(dict(row) for row in rows) for table, rows in pack.as_of(on).items()}
    return Leaf(pack.id, pack.version, pack.name, own, on, tables)


def fields_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a row says beyond what every row has."""
    return {name: value for name, value in row.items() if name not in FRAME | LOOKS}


def value_words(value: Any, say: Speech) -> str:
    """A field of a row as people read it."""
    if isinstance(value, bool):
        return say("예") if value else say("아니요")
    if isinstance(value, int | float):
        return f"{value:,.10g}".replace("-", "−")
    if isinstance(value, dict):
        is_text = set(value) <= {"ko", "en"}
        pairs = (f"{name} {value_words(each, say)}" for name, each in value.items())
        return Text(value.get("ko", ""), value.get("en", ""))(say.language) if is_text else ", ".join(pairs)
    if isinstance(value, list | tuple):
        is_span = len(value) == 2 and all(isinstance(one, int | float) for one in value)
        return ("~" if is_span else ", ").join(value_words(one, say) for one in value)
    return str(value)


class Sentence(NamedTuple):
    """One test of values in words, and where its limit comes from; no basis where it is the property's own."""

    name: str
    text: str
    basis: Basis | None


def quality_sentences(known: Property, folder: Path, on: date, say: Speech) -> list[Sentence]:
    """The limits of the quality control of one property on a day, test by test, in words."""
    rules = quality_rules(on, folder)
    limits = rules.limits.get(known.id)
    said = list(_limits_in_words(known, limits, on, say)) if limits else []
    return [
        Sentence(say("있을 수 있는 값"), _gross(known, say), None),
        *(Sentence(name, text, rules.basis.get((known.id, test))) for test, name, text in said),
    ]


def _gross(known: Property, say: Speech) -> str:
    low = known.fail_min if known.suspect_min is None else known.suspect_min
    high = known.fail_max if known.suspect_max is None else known.suspect_max
    return say(
        "{fail} 밖이면 불량, {suspect} 밖이면 의심입니다.",
        fail=_span((known.fail_min, known.fail_max), known, say),
        suspect=_span((low, high), known, say),
    )


def _limits_in_words(known: Property, limits: Limits, on: date, say: Speech) -> Iterator[tuple[str, str, str]]:
    """(test, its name, the limit in a sentence) of every test that is made."""
    if on.month in limits.climate_suspect:
        yield "climatology", say("계절"), _season(known, limits, on.month, say)
    if limits.spike_suspect and limits.spike_fail:
        sizes = {"suspect": _much(limits.spike_suspect, known, say), "fail": _much(limits.spike_fail, known, say)}
        yield "spike", say("튐"), say("앞뒤 값의 평균과 {suspect} 넘게 다르면 의심, {fail} 넘게 다르면 불량입니다.", **sizes)
    if limits.rate_suspect and limits.rate_fail:
        step_s = limits.rate_step_s or 60
        rates = (limits.rate_suspect * step_s, limits.rate_fail * step_s)
        sizes = {"span": _long(step_s, say), "suspect": _much(rates[0], known, say), "fail": _much(rates[1], known, say)}
        yield "rate_of_change", say("급변"), say("{span}에 {suspect} 넘게 변하면 의심, {fail} 넘게 변하면 불량입니다.", **sizes)
    if limits.flat_suspect_s and limits.flat_fail_s:
        yield "flat_line", say("멈춤"), _flat(known, limits, say)
    if limits.window_s and limits.spread_suspect is not None:
        least = {"suspect": _much(limits.spread_suspect, known, say), "fail": _much(limits.spread_fail or 0, known, say)}
        span = _long(limits.window_s, say)
        text = say(
            "{span} 동안의 흔들림(표준편차)이 {suspect}보다 작으면 의심, {fail}보다 작으면 불량입니다.", span=span, **least
        )
        yield "attenuated", say("무뎌짐"), text


def _season(known: Property, limits: Limits, month: int, say: Speech) -> str:
    suspect = _span(limits.climate_suspect[month], known, say)
    text = say("{month}월에는 {span} 밖이면 의심입니다.", month=month, span=suspect)
    if month in limits.climate_fail:
        text += " " + say("{span} 밖이면 불량입니다.", span=_span(limits.climate_fail[month], known, say))
    return text


def _flat(known: Property, limits: Limits, say: Speech) -> str:
    text = say(
        "{tolerance} 안에서 {suspect} 동안 그대로면 의심, {fail} 동안 그대로면 불량입니다.",
        tolerance=_much(limits.flat_tolerance, known, say),
        suspect=_long(limits.flat_suspect_s or 0, say),
        fail=_long(limits.flat_fail_s or 0, say),
    )
    if limits.calm_below is not None:
        text += " " + say("{value} 이하인 값은 잔잔한 것이라 세지 않습니다.", value=_much(limits.calm_below, known, say))
    if limits.calm_above is not None:
        text += " " + say("{value} 이상인 값은 잔잔한 것이라 세지 않습니다.", value=_much(limits.calm_above, known, say))
    return text


def _much(value: float, known: Property, say: Speech) -> str:
    return say.quantity(value, _decimals(value), known.unit)


def _long(seconds: float, say: Speech) -> str:
    return say.span(timedelta(seconds=seconds))


def _span(span: Span, known: Property, say: Speech) -> str:
    low, high = span
    decimals = max(_decimals(low), _decimals(high))
    return f"{say.number(low, decimals)} ~ {say.quantity(high, decimals, known.unit)}"


def _decimals(value: float) -> int:
    """As many decimals as the rule was written with."""
    text = f"{abs(value):.6f}".rstrip("0")
    return len(text.partition(".")[2])
