"""What a practice costs for each tonne explains itself; the grams of a practice's claim name their source."""

from __future__ import annotations

from datetime import timedelta

import pytest
from carbon_house import NOW, carbon_house

from dure.core.errors import NotFound
from dure.engines.records.audit import By
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.governing import budget_desk
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.practising import practice_desk, practice_records
from dure.services.carbon.practising.acts import Proof
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.practising.practice_watch import PracticeWatch


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    one = carbon_house(tmp_path_factory.mktemp("practice"))
    with one.records.begin() as connection:
        for programme, won in (("green-practice-estimated", 1_000), ("green-practice", 10_000)):
            budget_desk.move(one, connection, programme, Asked("fund", won), By("officer", NOW))
        practice_desk.join(connection, "person-1", "green-life", setting_of(one))
    yield one
    one.records.close()


@pytest.mark.parametrize(("figure", "won"), [("e-receipt", 5_813_953), ("e-receipt/2024-07-01", 58_139_535)])
def test_won_per_tonne_names_the_sources_of_both_numbers(house, figure, won):
    found = explain(house, f"carbon/practice/{figure}")
    assert (found.amount, found.again, found.agrees, found.unit) == (won, won, True, "KRW/t")
    assert [bool(one.source) for one in found.inputs] == [True, True]


@pytest.mark.parametrize("figure", ["tumbler", "flying", "e-receipt/yesterday", "e-receipt/2024-07-01/x"])
def test_what_nobody_knows_is_not_told(house, figure):
    with pytest.raises(NotFound):
        explain(house, f"carbon/practice/{figure}")


def test_grams_of_a_receipt_name_where_they_come_from(house):
    proof = Proof(kind="partner", done_at=NOW, quantity=1, once="partner/cafe/1")
    with house.records.begin() as connection:
        act = practice_desk.prove(connection, "person-1", "e-receipt", proof, setting_of(house))
    found = explain(house, f"carbon/claim/{act.claim}")
    assert (found.amount, found.again, found.agrees) == (1, 1, True)
    assert any("cnbnews" in one.source for one in found.inputs)


def test_what_was_begun_and_never_proved_ends_by_itself(house):
    with house.records.begin() as connection:
        act = practice_desk.start(connection, "person-1", "tumbler", setting_of(house, NOW - timedelta(hours=25)))
    assert PracticeWatch(house).look_once() == 1
    with house.records.read() as connection:
        assert practice_records.get(connection, act.id).code == "practice.expired"
