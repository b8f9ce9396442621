"""The demo's home joins once the weather of its months is known, and is judged as any other."""

from __future__ import annotations

from datetime import date

from carbon_house import NOW, carbon_house
from household_cases import temperatures

from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.governing import budget_desk
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.households import household_records, judgement_records
from dure.services.carbon.households.household_watch import HouseholdWatch
from dure.services.carbon.simulating import demo_home, demo_people
from dure.services.carbon.simulating.virtual_home import HABITS


def test_the_home_of_the_demo_joins_once_and_is_judged_by_its_bills(tmp_path):
    house = carbon_house(tmp_path)
    demo_people.make(house)
    assert not demo_home.join(house)  # no weather is known yet
    with house.records.begin() as connection:
        days = temperatures(date(2023, 1, 1), date(2026, 11, 24))
        judgement_records.put_weather(connection, (("st-1", day, mean_c, "a" * 64) for day, mean_c in days.items()))
        budget_desk.move(house, connection, "home-energy", Asked("fund", 1_000_000), By("officer", NOW))

    assert demo_home.join(house)
    assert not demo_home.join(house)

    person = demo_people.account(house, demo_people.CITIZEN)
    with house.records.read() as connection:
        kept = household_records.of_person(connection, person.id)
        meters = household_records.meters_of(connection, kept.household.id)
    assert {one.utility for one in meters} == {one.utility for one in HABITS}
    HouseholdWatch(house).look_once()
    with house.records.read() as connection:
        judged = {one.judgement.utility: one for one in judgement_records.of_household(connection, kept.household.id)}
        assert judged["gas"].judgement.judged
        assert judged["gas"].judgement.sure_milli > 0
        assert claim_desk.claim(connection, judged["gas"].claim).tier == "B"
        assert judged["electricity"].claim == ""
    house.records.close()
