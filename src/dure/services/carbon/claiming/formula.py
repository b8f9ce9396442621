"""The arithmetic of a method as data: steps over exact fractions, one rounding at the end.

A formula is a list of steps, each ``{"out": NAME, "do": OPERATION, "of": [NAME or NUMBER, …]}``. A step may use inputs and the
results of steps before it. The language is small on purpose, so that anyone can run it again with what every language has
(docs/en/carbon-formula.md); what a claim was made by stands in the log, with all inputs.

============  =========  =============================================
operation     arguments  result
============  =========  =============================================
``add``       1 or more  their sum
``sub``       2          first less second
``mul``       1 or more  their product
``div``       2          first over second; over 0 is refused
``min``       1 or more  the smallest
``max``       1 or more  the largest
============  =========  =============================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Literal

import msgspec

from dure.core.text import Text
from dure.services.carbon.model import Refused

LANGUAGE = "dure.formula/1"
CREDIT, POINT = "credit_g", "point_g"  # the two results every formula has [gCO2e]
STEPS_MAX = 64
OPERANDS_MAX = 16
BITS_MAX = 4_096  # of a numerator or denominator
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?|-?[0-9]{1,1300}/[0-9]{1,1300}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")

Operation = Literal["add", "sub", "mul", "div", "min", "max"]
Shown = Literal["", "gross", "deduction", "credit"]


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step.

    Attributes
    ----------
    out : what the result is called; do, of : see the table above
    name, unit : for people
    shows : its place in the waterfall of a claim: ``gross``, a ``deduction`` from it, or the ``credit`` that is left
    """

    out: str
    do: Operation
    of: tuple[str, ...]
    name: Text
    unit: str = ""
    shows: Shown = ""


class Result(msgspec.Struct, frozen=True):
    """What a formula came to: every named value exactly, and the two results in whole grams, rounded down.

    Attributes
    ----------
    values : inputs and results of all steps, by name
    grams : credited [gCO2e], never below 0
    point_grams : best estimate before deductions [gCO2e], may be negative
    """

    values: dict[str, Fraction]
    grams: int
    point_grams: int


def number(text: str) -> Fraction:
    """The exact number a text says: ``12``, ``-0.4173`` or ``1/3``; ValueError when it says none."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is no number of a formula")
    try:
        return Fraction(text)
    except ZeroDivisionError as error:
        raise ValueError(f"{text[:60]!r} divides by 0") from error


def spelled(value: Fraction) -> str:
    """A number as a formula writes it: whole, else as a fraction in lowest terms."""
    return str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"


def faults(steps: Sequence[Step], inputs: Sequence[str]) -> list[str]:
    """What is wrong with a formula that is given these inputs, as sentences; empty when it can be run."""
    found = [] if len(steps) <= STEPS_MAX else [f"more than {STEPS_MAX} steps"]
    known = set(inputs)
    for step in steps:
        if not _NAME.fullmatch(step.out) or step.out in known:
            found.append(f"{step.out!r} is no new name")
        if not _arity(step):
            found.append(f"{step.out}: {step.do} does not take {len(step.of)} arguments")
        found += [f"{step.out}: {one!r} is not known there" for one in step.of if one not in known and not _NUMBER.fullmatch(one)]
        known.add(step.out)
    return found + [f"no result {one}" for one in (CREDIT, POINT) if one not in known]


def run(steps: Sequence[Step], inputs: Mapping[str, str]) -> Result | Refused:
    """Run a formula.

    Parameters
    ----------
    steps : in order; `faults` finds nothing wrong with them
    inputs : numbers by name, as `number` reads them

    Returns
    -------
    The result; ``formula.division`` when a step divides by 0, ``formula.too_large`` when a number grows beyond `BITS_MAX`,
    ``formula.unreadable`` when an input or a step cannot be read.
    """
    wrong = faults(steps, tuple(inputs))
    if wrong:
        return _unreadable("; ".join(wrong[:3]))
    try:
        values = {name: number(text) for name, text in inputs.items()}
        for step in steps:
            values[step.out] = _WORK[step.do]([values[one] if one in values else number(one) for one in step.of])
            if _bits(values[step.out]) > BITS_MAX:
                return Refused(
                    "formula.too_large", Text("수가 너무 커졌습니다.", f"{step.out} has grown beyond {BITS_MAX} bits.")
                )
    except ValueError as error:
        return _unreadable(str(error))
    except ZeroDivisionError:
        return Refused("formula.division", Text(f"{step.out}: 0으로 나눕니다.", f"{step.out} divides by 0."))
    return Result(values, max(0, math.floor(values[CREDIT])), math.floor(values[POINT]))


def _arity(step: Step) -> bool:
    count = len(step.of)
    return count == 2 if step.do in ("sub", "div") else 1 <= count <= OPERANDS_MAX


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _unreadable(why: str) -> Refused:
    return Refused(
        "formula.unreadable", Text(f"계산식이나 값을 읽을 수 없습니다: {why}", f"Formula or input cannot be read: {why}.")
    )


_WORK: dict[Operation, Callable[[list[Fraction]], Fraction]] = {
    "add": lambda of: sum(of, Fraction(0)),
    "sub": lambda of: of[0] - of[1],
    "mul": lambda of: math.prod(of, start=Fraction(1)),
    "div": lambda of: of[0] / of[1],
    "min": min,
    "max": max,
}
