"""``carbon/household/REF/2026H1``: what a household's half-year saved, judged anew from the bills and the weather of then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.explanation import Explanation, InputTold, Link, Part
from dure.services.carbon.households import household_records, judgement_records, judging_desk, judging_words
from dure.services.carbon.households.energy_rules import judging_rules
from dure.services.carbon.households.home_claim import home_claim
from dure.services.carbon.households.household_words import UTILITY_NAMES
from dure.services.carbon.households.judgement_records import KeptJudgement
from dure.services.carbon.households.model import Judgement
from dure.services.carbon.households.periods import period_of
from dure.services.carbon.model import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.carbon.households.household_records import Kept
    from dure.spine.house import House


def household_figure(house: House, connection: Connection, words: tuple[str, ...]) -> Explanation:
    """A half-year of a household; NotFound ``figure.unknown`` when there is none, or it was erased."""
    kept = household_records.of_ref(connection, words[0]) if len(words) == 2 else None
    found = judgement_records.of_household(connection, kept.household.id, words[1]) if kept is not None else []
    if kept is None or not found:
        raise NotFound("figure.unknown", "No household of this commitment was judged for this half-year, or it was erased.")
    parts, inputs, booked, again, same = [], [], 0, 0, True
    for one in found:
        anew = _anew(house, connection, one)
        grams, claimed = _grams(house, connection, kept, one)
        same = same and anew == _in_todays_words(one.judgement) and grams == claimed
        booked, again = booked + claimed, again + grams
        inputs += _inputs(one)
        parts.append(_part(one, claimed))
    return Explanation(
        figure=f"carbon/household/{words[0]}/{words[1]}",
        name=Text(f"가정 에너지 절감, {words[1]}", f"Energy saved at home, {words[1]}"),
        amount=booked,
        again=again,
        unit="gCO2e",
        agrees=same and booked == again,
        how=Text(
            "그때의 고지서, 날씨, 규칙으로 모형을 다시 맞추고 다시 판정했습니다.",
            "The model was fitted and the half-year judged anew, from the bills, weather and rules of then.",
        ),
        parts=tuple(parts),
        inputs=tuple(inputs),
        links=(Link(name=Text("판정 규칙", "The rules"), path="/operations/carbon/rules"),),
        notes=tuple(one.judgement.reason for one in found),
    )


def _anew(house: House, connection: Connection, kept: KeptJudgement) -> Judgement:
    """The judgement of its basis as it comes out now; refusals that followed it are of the books, not of the arithmetic."""
    period = period_of(kept.judgement.period)
    rules = judging_rules(kept.judgement.utility, judging_desk.last_day(period), house.city.folder)
    anew = judging_desk.judged_again(connection, kept.basis, rules, period)
    if kept.judgement.code in judging_words.OF_BOOKS:
        return judging_desk.instead(anew, kept.judgement.code)
    return anew


def _in_todays_words(told: Judgement) -> Judgement:
    """What was kept, its reason as the program words that now: words may be bettered, numbers and codes may not differ."""
    return msgspec.structs.replace(told, reason=judging_words.REASONS.get(told.code, told.reason))


def _grams(house: House, connection: Connection, kept: Kept, one: KeptJudgement) -> tuple[int, int]:
    """Grams of the claim worked out again, and as it stands; a claim that was refused or withdrawn counts as made."""
    if not one.claim:
        return 0, 0
    claim = claim_records.get(connection, one.claim).claim
    rest = judging_desk.claim_parts(house, connection, kept, (one.basis, one.judgement), claim.made_at)
    made = rest if isinstance(rest, Refused) else home_claim(one.judgement, rest)
    if isinstance(made, Refused) or made[0].readings_sha256 != claim.readings_sha256:
        return 0, claim.grams
    return made[0].grams, claim.grams


def _part(one: KeptJudgement, grams: int) -> Part:
    name = UTILITY_NAMES[one.judgement.utility]
    figure = f"carbon/claim/{one.claim}" if one.claim else ""
    return Part(figure=figure, name=name, amount=grams, unit="gCO2e", note=one.judgement.code)


def _inputs(one: KeptJudgement) -> list[InputTold]:
    told = one.judgement
    numbers = {"expected": told.expected_milli, "used": told.used_milli, "half": told.half_milli}
    return [
        InputTold(
            name=f"{told.utility}_{name}",
            exact=f"{value}/1000",
            value=value / 1000,
            unit=told.unit,
            origin=f"rule:{told.rules}",
        )
        for name, value in numbers.items()
        if told.code in judging_words.REASONS and told.judged
    ]
