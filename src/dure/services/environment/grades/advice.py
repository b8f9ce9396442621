"""행동 요령: what to do about air, water, noise and weather, in plain words and with the reasons.

How to use it::

    rules = advice_rules(load_pack("advice"), day)
    advice = air_advice(rules, result, "sensitive")     # result of `cai`
    advice.answer                # "yes", "care", "no" or "unknown"
    advice.text.ko               # "밖에서 놀지 말고 실내에 머무르세요. …"
    advice.reasons[0].ko         # "초미세먼지가 76 µg/m³으로 '매우나쁨'"
    may_play_outside(rules, result)   # may my child play outside, and why?

A required item that is missing makes the answer "unknown" (알 수 없음), never "yes"; only where what is known already forbids it,
the answer is "no". Texts are rows of rules/advice.toml, in our own words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import msgspec

from dure.core.text import Text, with_particle
from dure.services.environment.grades.air_index import CaiResult, Step
from dure.services.environment.grades.noise import NoiseResult
from dure.services.environment.grades.water_grade import GradeResult, ItemGrade
from dure.services.environment.grades.weather_levels import ObservedLevel
from dure.services.environment.rules import UNIT_WORDS, Pack, Rule

Audience = Literal["everyone", "sensitive", "exercise", "ventilation"]
Answer = Literal["yes", "care", "no", "unknown"]
ANSWERS: dict[Answer, tuple[Text, str, str]] = {
    "yes": (Text("네", "Yes"), "success", "check"),
    "care": (Text("조심해서", "With care"), "warning", "triangle"),
    "no": (Text("아니요", "No"), "danger", "cross"),
    "unknown": (Text("알 수 없음", "Unknown"), "gray", "dash"),
}
_STERN: tuple[Answer, ...] = ("yes", "care", "unknown", "no")


class Saying(Rule, frozen=True, kw_only=True):
    """A text; for some tables with the answer it gives and what it is for."""

    text: Text
    answer: Answer = "unknown"
    grade: str = ""
    audience: str = ""
    phenomenon: str = ""
    level: str = ""


@dataclass(frozen=True, eq=False)
class AdviceRules:
    """The texts in force on a day, by table and id. Made by `advice_rules`."""

    pack: Pack
    day: date
    tables: Mapping[str, Mapping[str, Saying]]


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to do and why. `tone` and `shape` are how a screen shows the answer; `answer_name` is the answer in a word.

    `unknown` names what is missing; `provisional` says that a rule behind it is to be confirmed.
    """

    answer: Answer
    answer_name: Text
    tone: str
    shape: str
    text: Text
    reasons: tuple[Text, ...]
    unknown: tuple[Text, ...]
    provisional: bool


def advice_rules(pack: Pack, day: date) -> AdviceRules:
    """The texts in force on a day; refused with ``rules.not_in_force`` or ``rules.invalid``."""
    return AdviceRules(pack, day, {name: {one.id: one for one in pack.rows(name, Saying, day)} for name in pack.tables})


def air_advice(rules: AdviceRules, result: CaiResult, audience: Audience) -> Advice:
    """What this air means for somebody.

    The grade of the index decides. Without an index nothing is promised: if an item that is known already forbids it the answer
    is "no", else it is unknown. The reasons are the items at the worst known grade, the worst first, and what the bonus added.
    """
    missing = tuple(result.step(item).short for item in result.missing)
    worst = _worst(result)
    grade = result.grade or (worst[0].grade if worst else None)
    row = rules.tables["air"][f"{grade}-{audience}"] if grade else None
    calm = row is not None and row.answer == "yes"
    reasons = [*(_air_reason(one) for one in (worst[:1] if calm else worst)), *_bonus_reason(result)]
    if missing:
        reasons.append(_missing_reason(missing))
    if row is None or (missing and row.answer != "no"):
        return _advice("unknown", rules.tables["air_unknown"][audience].text, reasons, missing, result.provisional)
    text = row.text
    hint = rules.tables["air_item"].get(result.deciding or "")
    if hint is not None and not calm and audience != "ventilation":
        text = Text(f"{text.ko} {hint.text.ko}", f"{text.en} {hint.text.en}")
    return _advice(row.answer, text, reasons, missing, result.provisional)


def may_play_outside(rules: AdviceRules, result: CaiResult, weather: Sequence[ObservedLevel] = ()) -> Advice:
    """May my child play outside, and why: yes, with care, no or unknown.

    The air and each observed weather level have a say; the sternest answer stands, and the reasons of all are kept.
    """
    air = air_advice(rules, result, "sensitive")
    said = [air, *weather_advice(rules, weather)]
    sternest = max(said, key=lambda one: _STERN.index(one.answer))
    heard = [one for one in said if one is air or one.answer != "yes"]
    reasons = tuple(reason for one in sorted(heard, key=lambda one: one is not sternest) for reason in one.reasons)
    return msgspec.structs.replace(
        sternest, reasons=reasons, unknown=air.unknown, provisional=any(one.provisional for one in heard)
    )


def water_advice(rules: AdviceRules, result: GradeResult) -> Advice:
    """Whether to touch the water. A partial grade never says yes: unknown, unless the items measured already say no."""
    reasons = [_water_reason(one) for one in result.items if one.item in result.deciding]
    if result.partial:
        reasons.append(
            Text(
                f"등급에 필요한 항목 {len(result.missing)}개를 재지 않았습니다.",
                f"{len(result.missing)} items of the grade were not measured.",
            )
        )
    row = rules.tables["water"].get(result.grade or result.grade_of_measured or "")
    if row is None or (result.partial and row.answer != "no"):
        return _advice(
            "unknown", rules.tables["water_unknown"]["unknown"].text, reasons, result.missing_names, result.provisional
        )
    return _advice(row.answer, row.text, reasons, result.missing_names, result.provisional)


def noise_advice(rules: AdviceRules, result: NoiseResult) -> Advice:
    """Whether the noise is within the standard."""
    name = {True: "meets", False: "over", None: "unknown"}[result.meets]
    when = Text("낮", "day") if result.period == "day" else Text("밤", "night")
    limit = f"{result.limit_db:g}"
    if result.leq_db is None:
        part = f"{result.coverage * 100:.0f} %"
        reason = Text(f"{when.ko} 시간의 {part}만 측정했습니다.", f"Only {part} of the {when.en} was measured.")
    else:
        level = f"{result.leq_db:g} dB(A)"
        reason = Text(f"{when.ko} 평균 {level}, 기준 {limit} dB(A)", f"{when.en.capitalize()} level {level}, limit {limit} dB(A)")
    row = rules.tables["noise"][name]
    unknown = () if result.meets is not None else (Text("등가소음도", "Equivalent sound level"),)
    return _advice(row.answer, row.text, [reason], unknown, result.provisional)


def weather_advice(rules: AdviceRules, found: Sequence[ObservedLevel]) -> tuple[Advice, ...]:
    """Advice for each phenomenon at a level; its reason says that it is observed and no advisory of the weather service."""
    said = []
    for one in found:
        row = rules.tables["weather"].get(f"{one.phenomenon}-{one.level}")
        if row is not None:
            said.append(_advice("care" if one.level == "advisory" else "no", row.text, [one.text], (), one.provisional))
    return tuple(said)


def _worst(result: CaiResult) -> list[Step]:
    """The items at the worst grade among those known, the highest sub-index first."""
    known = sorted((one for one in result.steps if one.sub_index is not None), key=lambda one: -(one.sub_index or 0))
    return [one for one in known if one.grade == known[0].grade]


def _air_reason(step: Step) -> Text:
    """E.g. 초미세먼지가 76 µg/m³으로 '매우나쁨'."""
    value = f"{step.quantised} {step.unit_word}"
    grade = step.grade_name or Text("")
    return Text(
        f"{with_particle(step.short.ko, '이/가')} {value}으로 '{grade.ko}'",
        f"{step.short.en[:1].upper()}{step.short.en[1:]} at {value}: '{grade.en}'",
    )


def _bonus_reason(result: CaiResult) -> list[Text]:
    if not result.bonus:
        return []
    many = len(result.counted)
    return [
        Text(
            f"나쁜 항목이 {many}개라 지수에 {result.bonus}점을 더함",
            f"{many} items are unhealthy, so {result.bonus} points are added to the index",
        )
    ]


def _missing_reason(missing: Sequence[Text]) -> Text:
    names = ", ".join(one.ko for one in missing)
    return Text(f"{names}: 측정값이 없음", f"No value of {', '.join(one.en for one in missing)}")


def _water_reason(item: ItemGrade) -> Text:
    value = f"{item.value:g} {UNIT_WORDS.get(item.unit, item.unit)}".strip()
    return Text(f"{item.name.ko} {value}", f"{item.name.en} {value}")


def _advice(answer: Answer, text: Text, reasons: Sequence[Text], unknown: tuple[Text, ...], provisional: Sequence[str]) -> Advice:
    name, tone, shape = ANSWERS[answer]
    return Advice(
        answer=answer,
        answer_name=name,
        tone=tone,
        shape=shape,
        text=text,
        reasons=tuple(reasons),
        unknown=unknown,
        provisional=bool(provisional),
    )
