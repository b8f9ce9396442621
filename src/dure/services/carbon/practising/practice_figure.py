"""``carbon/practice/ID`` or ``carbon/practice/ID/2026-01-01``: what a practice costs for each tonne, worked out again."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.services.carbon.claiming.explanation import Explanation, InputTold, StepTold
from dure.services.carbon.claiming.formula import spelled
from dure.services.carbon.practising.catalogue import G_PER_T, catalogue, worth

if TYPE_CHECKING:
    from dure.spine.house import House


def practice_figure(house: House, words: tuple[str, ...]) -> Explanation:
    """Won for each tonne of a practice, as in force on a day; today without one.

    Raises
    ------
    NotFound : ``practice.unknown``; ``figure.unknown`` when the day is none, or no source says what the practice saves
    """
    try:
        on = date.fromisoformat(words[1]) if len(words) == 2 else day_of(house.clock.now(), house.city.zone)  # id, day
    except ValueError as error:
        raise NotFound("figure.unknown", f"{words[1][:20]!r} is no day.") from error
    rules = catalogue(on, house.city.folder)
    one = rules.practice(words[0])
    found = worth(one, rules.tier(one))
    if found.won_per_tonne is None:
        raise NotFound("figure.unknown", f"No source says what {one.id} saves: nothing is told for a tonne of it.")
    exact = Fraction(one.won_per_unit) * G_PER_T / Fraction(one.grams_per_unit)
    rule = f"rule:practices@{rules.version}/practices/{one.ref}"
    step = StepTold(
        name=Text("1톤을 줄이는 값", "What a tonne costs"), formula=f"won_per_unit × {G_PER_T:,} ÷ grams_per_unit",
        exact=spelled(exact), value=float(exact), unit="KRW/t",
    )  # fmt: skip
    inputs = (
        InputTold(
            name="won_per_unit", exact=str(one.won_per_unit), value=float(one.won_per_unit), origin=rule, source=one.source,
            mark=one.mark, unit="KRW",
        ),
        InputTold(
            name="grams_per_unit", exact=one.grams_per_unit, value=float(one.grams_per_unit), origin=rule,
            source=one.grams_source, mark=one.grams_mark, unit="gCO2e",
        ),
    )  # fmt: skip
    return Explanation(
        figure="/".join(("carbon", "practice", *words)), name=one.name, amount=found.won_per_tonne, again=round(exact),
        unit="KRW/t", agrees=found.won_per_tonne == round(exact), steps=(step,), inputs=inputs,
        how=Text("그날의 규칙에서 다시 계산했습니다.", "Worked out again from the rules of that day."),
        versions={"rules": rules.version},
    )  # fmt: skip
