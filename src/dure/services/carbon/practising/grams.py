"""Grams of a practice as a formula of `claiming.formula`, so that the one-file verifier works them out again."""

from __future__ import annotations

from dure.core.text import Text
from dure.services.carbon.claiming.formula import Result, Step, run
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.practising.catalogue import PACK, Catalogue, Practice

STEPS: tuple[Step, ...] = (
    Step(out="units", do="div", of=("quantity", "base"), name=Text("한 만큼", "Done"), unit=""),
    Step(
        out="point_g", do="mul", of=("units", "grams_per_unit"), name=Text("추정 감축", "Estimate"), unit="gCO2e", shows="gross"
    ),
    Step(out="credit_g", do="add", of=("point_g",), name=Text("인정량", "Credited"), unit="gCO2e", shows="credit"),
)


def working_of(one: Practice, quantity: int, rules: Catalogue) -> Working | None:
    """How the grams of a quantity in base units are worked out; None where no source says what it saves. Pure."""
    if not one.grams_per_unit:
        return None
    rule = f"rule:{PACK}@{rules.version}/{PACK}/{one.ref}"
    return Working(
        steps=STEPS,
        inputs={"quantity": str(quantity), "base": str(one.base), "grams_per_unit": one.grams_per_unit},
        sources={"quantity": "proof", "base": rule, "grams_per_unit": rule},
        event_type="practice",
        on=one.effective_from,
        provisional=(f"{PACK}@{rules.version}/{PACK}/{one.id}",) if one.grams_mark == "to be confirmed" else (),
    )


def grams_of(working: Working | None) -> tuple[int, int]:
    """Credited and best estimate [gCO2e], each rounded down once; 0 without a formula. Pure."""
    if working is None:
        return 0, 0
    result = run(working.steps, working.inputs)
    assert isinstance(result, Result)  # noqa: S101  # three steps without division by a variable
    return result.grams, result.point_grams
