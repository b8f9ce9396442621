"""A judged half-year becomes a claim: grams of what was surely saved, won of the band. The log never gets the use. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from fractions import Fraction
from typing import NamedTuple

import msgspec

from dure.core.text import Text
from dure.core.time import Interval
from dure.services.carbon.claiming.assessing import claim_id
from dure.services.carbon.claiming.factor_reading import GramsPer
from dure.services.carbon.claiming.formula import Step, run, spelled
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.households.judgement_records import Basis
from dure.services.carbon.households.model import MILLI, Judgement
from dure.services.carbon.model import Claim, Refused, Stretch

METHOD = "home-normalised@1"
PROGRAMME = "home-energy"
NO_FACTOR = GramsPer(Fraction(0), "", (), ())
BOOK_UNITS = {"kWh": "Wh", "m3": "L", "Nm3": "NL", "MJ": "kJ"}  # of thousandths
STEPS: tuple[Step, ...] = (
    Step(out="saved", do="div", of=("saved_milli", str(MILLI)), name=Text("절감 최적 추정", "Best estimate of the saving")),
    Step(
        out="half", do="div", of=("half_milli", str(MILLI)), name=Text("단측 90 % 구간의 폭", "Width of the one-sided interval")
    ),
    Step(out="bound", do="sub", of=("saved", "half"), name=Text("구간의 아래 끝", "Lower bound")),
    Step(out="sure", do="max", of=("bound", "0"), name=Text("0보다 확실히 큰 몫", "What is surely above 0")),
    Step(
        out="point_g",
        do="mul",
        of=("saved", "g_per_unit"),
        name=Text("절감 최적 추정의 배출", "Emissions of the best estimate"),
        unit="gCO2e",
        shows="gross",
    ),
    Step(out="credit_g", do="mul", of=("sure", "g_per_unit"), name=Text("인정량", "Credited"), unit="gCO2e", shows="credit"),
    Step(
        out="uncertain_g",
        do="sub",
        of=("point_g", "credit_g"),
        name=Text("불확도 공제", "Deduction for uncertainty"),
        unit="gCO2e",
        shows="deduction",
    ),
)


class Rest(NamedTuple):
    """What the judgement itself does not hold: whose, which days, by which factor, of which readings, when."""

    ref: str
    span: Interval
    factor: GramsPer
    readings_sha256: str
    on: date
    as_of: date
    at: datetime


def home_claim(told: Judgement, rest: Rest) -> tuple[Claim, Working] | Refused:
    """The claim of a judged half-year with its working."""
    inputs = {
        "saved_milli": str(told.expected_milli - told.used_milli),
        "half_milli": str(told.half_milli),
        "g_per_unit": spelled(rest.factor.grams),
    }
    result = run(STEPS, inputs)
    if isinstance(result, Refused):
        return result
    event = f"home/{rest.ref}/{told.period}/{told.utility}"
    factors = tuple(one for one in (rest.factor.row, *rest.factor.rules) if one)
    sources = {
        "saved_milli": f"event:{event}",
        "half_milli": f"event:{event}",
        "g_per_unit": f"factor:{rest.factor.row}" if rest.factor.row else f"rule:{told.rules}/carbon/{told.utility}",
    }
    unsure = [*told.provisional, *(one.rule for one in rest.factor.bases if one.provisional)]
    claim = Claim(
        id=claim_id(event, METHOD, PROGRAMME, "energy_saving"),
        event=event,
        stretches=(
            Stretch(
                source=f"home/{rest.ref}/{told.utility}", attribute="energy_saving", start=rest.span.start, end=rest.span.end
            ),
        ),
        programme=PROGRAMME,
        holder=f"person/{rest.ref}",
        tier="B",
        quantity=told.sure_milli,
        unit=BOOK_UNITS[told.unit],
        grams=result.grams,
        point_grams=max(result.point_grams, result.grams),
        won=told.won,
        method=METHOD,
        factors=factors,
        readings_sha256=rest.readings_sha256,
        made_at=rest.at,
    )
    working = Working(
        steps=STEPS,
        inputs=inputs,
        sources=sources,
        event_type="carbon.household.judged",
        on=rest.on,
        as_of=rest.as_of,
        provisional=tuple(dict.fromkeys(unsure)),
    )
    return claim, working


def readings_digest(basis: Basis, weather: Mapping[date, tuple[float, str]], household: str) -> str:
    """SHA-256 of bills and weather days; the household's random id in front keeps few bills from being guessed."""
    words = [household, msgspec.json.encode(basis, order="sorted").decode()]
    words += [f"{day} {mean_c!r} {digest}" for day, (mean_c, digest) in sorted(weather.items())]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
