"""The public board: sums by source and tier, and nothing that tells of few persons."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.carbon.governing.board import Board, Counted, Lying, Programmed, board, net, suppressed
from dure.services.carbon.governing.flow_records import Flow
from dure.services.carbon.governing.inventory import Row, by_district, shown
from dure.services.carbon.governing.inventory_records import Credited
from dure.services.carbon.governing.open_board import BOARD_COLUMNS, INVENTORY_COLUMNS, board_rows, csv_text

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TIERS = {"city-verified": "A", "home-energy": "B", "green-practice": "C"}
LEAST = 5
DOCS = Path(__file__).parents[4] / "docs"


def flow(source, target, won, programme="", people=0, span=0):
    return Flow(span, source, target, programme, won, people)


def made(flows=(), credited=(), lying=Lying(), least=LEAST):  # noqa: B008  # a value
    counted = Counted(flows=flows, monthly_flows=flows, credited=credited, monthly_credited=credited, lying=lying)
    return board(2026, NOW, counted, TIERS, least)


def test_money_is_told_by_its_source_and_what_came_back_is_subtracted():
    found = made(
        [
            flow("treasury", "budget", 1_000, "green-practice"),
            flow("budget", "treasury", 300, "green-practice"),
            flow("treasury", "company", 500),
            flow("budget", "wallet", 90, "green-practice", people=9),
            flow("wallet", "budget", 40, "green-practice", people=1),
        ]
    )
    assert (found.in_city_won, found.in_companies_won, found.out_won) == (700, 500, 50)


def test_tonnes_of_tiers_stand_apart():
    found = made(
        credited=[Credited(0, "city-verified", "A", 3, 700, 900, 0, 0), Credited(0, "home-energy", "B", 9, 300, 300, 9, 9)]
    )
    assert (found.grams("A"), found.grams("B"), found.grams("C")) == (700, 300, 0)
    assert found.months[0].grams == {"A": 700, "B": 300}


def test_rewards_of_few_persons_are_in_no_figure():
    found = made(
        [flow("budget", "wallet", 90, "green-practice", people=4), flow("budget", "wallet", 70, "home-energy", people=5)]
    )
    assert found.out_won == 70
    assert found.hidden == ("green-practice",)
    assert found.months[0].out_won == 70


def test_grams_of_few_persons_are_in_no_figure_but_those_of_the_city_are():
    few = Credited(0, "home-energy", "B", 2, 300, 300, 2, 2)
    mixed = Credited(0, "city-verified", "A", 9, 700, 900, 1, 1)
    found = made(credited=[few, mixed])
    assert (found.grams("A"), found.grams("B")) == (700, 0)
    assert "B" not in found.months[0].grams


def test_won_per_tonne_is_told_where_there_are_tonnes_and_won():
    credited = [Credited(0, "home-energy", "B", 9, 2_000_000, 2_000_000, 9, 9)]
    found = made([flow("budget", "wallet", 300_001, "home-energy", people=9)], credited)
    prices = {one.programme: one.won_per_tonne for one in found.programmes}
    assert prices == {"city-verified": None, "home-energy": 150_000, "green-practice": None}
    assert made(lying=Lying(sponsored_won=150, sponsored_g=1_000)).sponsored_won_per_tonne == 150_000


def test_one_month_that_is_hidden_takes_the_next_smallest_with_it():
    assert suppressed([10, 20, 0, 30], [9, 2, 0, 9], LEAST) == [None, None, 0, 30]
    assert suppressed([10, 20, 5, 30], [1, 2, 9, 9], LEAST) == [None, None, 5, 30]
    assert suppressed([10, 20], [9, 9], LEAST) == [10, 20]


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 20)), max_size=12))
def test_no_single_hidden_month_follows_from_the_total(months):
    amounts, people = [one for one, _ in months], [two for _, two in months]
    found = suppressed(amounts, people, LEAST)
    hidden = [n for n, one in enumerate(found) if one is None]
    others = [n for n, amount in enumerate(amounts) if amount and n not in hidden]
    assert all(found[n] is None for n, count in enumerate(people) if 0 < count < LEAST)
    assert len(hidden) != 1 or not others


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 10**12))))
def test_a_net_flow_is_what_went_less_what_came(moves):
    moved = [flow("budget", "wallet", won) if there else flow("wallet", "budget", won) for there, won in moves]
    assert net(moved, "budget", "wallet") == sum(won if there else -won for there, won in moves)
    assert net(moved, "wallet", "budget") == -net(moved, "budget", "wallet")


def row(district, service, tier, grams, people=0):
    return Row(
        district=district, service=service, tier=tier, claims=1, grams=grams, point_grams=grams, measured={}, people=people
    )


def test_the_inventory_keeps_small_groups_and_tiers_apart():
    rows = [
        row("a", "charging", "A", 5),
        row("a", "charging", "B", 7),
        row("", "homes", "B", 9, 2),
        row("a", "buildings", "A", 6),
    ]
    assert by_district(shown(rows, LEAST), "A") == {"a": 11}
    assert by_district(shown(rows, LEAST), "B") == {"a": 7}
    assert by_district(rows, "B") == {"a": 7, "": 9}


def test_the_csv_has_every_sum_of_the_board_and_no_grams_of_two_tiers():
    one = Board(
        year=2026, made_at=datetime(2026, 6, 1, tzinfo=UTC), in_city_won=10, in_companies_won=20, released_won=5, company_won=3,
        escrow_won=4, budget_won=6, sponsored_won=100_000, sponsored_g=2_000_000, months=(),
        programmes=(
            Programmed(programme="a", tier="A", claims=2, grams=2_000_000, given_won=50),
            Programmed(programme="c", tier="C", claims=9, given_won=7),
            Programmed(programme="few", tier="B", hidden=True),
        ),
    )  # fmt: skip

    rows = board_rows(one, "KOGL")

    told = {(row["figure"], row["programme"], row["tier"]): row["amount"] for row in rows}
    assert {name: told[name, "", ""] for name in ("company_won", "escrow_won", "budget_won", "out_won")} == {
        "company_won": 3, "escrow_won": 4, "budget_won": 6, "out_won": 57,
    }  # fmt: skip
    assert (told["grams", "", "A"], told["grams", "", "B"]) == (2_000_000, 0)
    assert (told["won_per_tonne", "a", "A"], told["sponsored_won_per_tonne", "", "A"]) == (25, 50_000)
    assert not [key for key in told if key[1] == "few"]
    assert all(row["licence"] == "KOGL" for row in rows)
    assert csv_text(rows, BOARD_COLUMNS).count("\r\n") == len(rows) + 1


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(("name", "columns"), [("board", BOARD_COLUMNS), ("inventory", INVENTORY_COLUMNS)])
def test_every_column_of_open_data_is_documented(language, name, columns):
    text = (DOCS / language / "api.md").read_text("utf-8")
    section = text.split(f"### `GET /carbon/{name}.csv`")[1].split("### ")[0]

    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(columns)
