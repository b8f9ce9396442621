"""What may be done with a programme's money, and why not."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from dure.services.carbon.governing.budgets import Asked, Standing, objection, returnable
from dure.services.carbon.programmes import programmes

ROWS = programmes(date(2026, 11, 24))
PAID, UNPAID = ROWS["green-practice"], ROWS["city-verified"]
OPEN = Standing(programme=PAID.id, year=2026, rule_won=PAID.budget_won, funded_won=1_000, left_won=600)


@pytest.mark.parametrize(
    ("row", "standing", "asked", "code"),
    [
        (UNPAID, Standing(programme=UNPAID.id, year=2026, rule_won=0), Asked("fund", 1), "budget.unpaid"),
        (PAID, OPEN, Asked("fund", 0), "budget.amount"),
        (PAID, OPEN, Asked("fund", 1, document="x" * 61), "budget.document"),
        (PAID, OPEN, Asked("freeze", document="2026-1"), "budget.amount"),
        (PAID, OPEN, Asked("fund", -5), "budget.amount"),
        (PAID, OPEN, Asked("fund", PAID.budget_won), "budget.over_rule"),
        (PAID, OPEN, Asked("freeze", 5), "budget.amount"),
        (PAID, OPEN, Asked("thaw"), "budget.state"),
        (PAID, replace(OPEN, frozen=True), Asked("fund", 1), "budget.state"),
        (PAID, replace(OPEN, frozen=True), Asked("freeze"), "budget.state"),
        (PAID, replace(OPEN, frozen=True), Asked("close"), "budget.state"),
        (PAID, replace(OPEN, left_won=0), Asked("close"), "budget.nothing"),
        (PAID, replace(OPEN, funded_won=0, sponsored_won=600), Asked("close"), "budget.nothing"),
    ],
)
def test_what_cannot_be_done_with_a_budget_is_refused_with_its_code(row, standing, asked, code):
    why = objection(row, standing, asked)
    assert why is not None
    assert why.code == code
    assert why.reason.ko
    assert why.reason.en


@pytest.mark.parametrize("asked", [Asked("fund", PAID.budget_won - 1_000), Asked("freeze"), Asked("close")])
def test_what_can_be_done_with_an_open_budget_is(asked):
    assert objection(PAID, OPEN, asked) is None


def test_only_the_citys_own_part_of_what_is_left_goes_back():
    assert returnable(replace(OPEN, left_won=5_000)) == 1_000
    assert returnable(replace(OPEN, left_won=400)) == 400


@pytest.mark.parametrize(
    ("standing", "state"),
    [
        (replace(OPEN, frozen=True, left_won=0), "frozen"),
        (OPEN, "open"),
        (replace(OPEN, left_won=0), "spent"),
        (replace(OPEN, left_won=0, funded_won=0), "unfunded"),
        (Standing(programme="x", year=2026, rule_won=0), "unpaid"),
    ],
)
def test_a_programme_stands_in_one_word(standing, state):
    assert standing.state == state
