from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from dure.core.text import Text
from dure.routing import check
from dure.routing.model import Violation
from dure.services.waste.planning import rests
from dure.services.waste.planning.plan_words import IDLE, VERDICTS, VIOLATIONS, verdict_words, violation_words
from dure.services.waste.planning.selection import Demand
from dure.services.waste.planning.verdicts import Code, Verdict

ALL = {**VERDICTS, **IDLE, **VIOLATIONS}


def test_every_reason_has_words() -> None:
    assert set(get_args(Code)) == set(VERDICTS)
    assert set(get_args(Demand)) <= set(VERDICTS)


def test_everything_the_checker_can_find_has_words() -> None:
    source = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (check, rests))

    assert set(re.findall(r'"((?:plan|route)\.[a-z_]+)"', source)) == set(VIOLATIONS)


@pytest.mark.parametrize("code", ALL)
def test_words_are_in_both_languages(code: str) -> None:
    assert re.search(r"[가-힣]", ALL[code].ko)
    assert not re.search(r"[가-힣]", ALL[code].en)


def test_a_reason_names_the_numbers_it_rests_on() -> None:
    verdict = Verdict(
        bin="bin-1", served=False, code="not_worth_it", risk=0.05, prize_m=1_000, later_m=600, truck="truck-1", added_m=2_400,
        other="truck-2", other_m=3_100,
    )  # fmt: skip

    assert verdict_words(verdict).en == (
        "the detour is longer than emptying it is worth (risk of overflow 5%, worth 1,000 m, of which 600 m for a later trip it"
        " saves, detour 2,400 m, next best truck-2 3,100 m)"
    )
    assert "2,400 m" in verdict_words(verdict).ko


def test_a_violation_names_whom_it_is_about_and_an_unknown_one_itself() -> None:
    assert violation_words(Violation(code="route.window", vehicle="truck-1", subject="bin-2")).en == (
        "outside the hours of a bin: truck-1 bin-2"
    )  # fmt: skip
    assert violation_words(Violation(code="route.new")) == Text("route.new", "route.new")
