"""Visitors of the demo: accounts that can sign in, a company's file that imports, a home that is judged by what it used."""

from __future__ import annotations

import stat
from datetime import date

import pytest
from carbon_house import carbon_house
from household_cases import temperatures

from dure.engines.records.audit import By
from dure.services.carbon.companies import activity_desk, company_desk
from dure.services.carbon.companies.activity_desk import Asked
from dure.services.carbon.households import household_records, judgement_records
from dure.services.carbon.households.bill_file import read_bills
from dure.services.carbon.households.household_desk import HouseholdDesk
from dure.services.carbon.households.household_view import mine
from dure.services.carbon.households.household_watch import HouseholdWatch
from dure.services.carbon.practising import practice_records
from dure.services.carbon.simulating import demo_company, demo_files, demo_home, demo_officer, demo_people
from dure.services.carbon.simulating.virtual_company import COMPANY

TODAY = date(2026, 11, 24)


@pytest.fixture
def house(tmp_path):
    return carbon_house(tmp_path)


def with_weather(house, since=date(2024, 8, 17)):
    with house.records.begin() as connection:
        days = temperatures(since, TODAY)
        judgement_records.put_weather(connection, (("wx-1", day, mean_c, "a" * 64) for day, mean_c in days.items()))


def test_three_people_can_sign_in_and_are_made_once(house):
    made = demo_people.make(house)
    assert [(one.login, one.role) for one in made] == [
        ("demo-citizen", "citizen"), ("demo-esg", "partner"), ("demo-officer", "officer"),
    ]  # fmt: skip
    assert all(house.people.sign_in(one.login, one.password).token for one in made)
    assert stat.S_IMODE(made[0].file.stat().st_mode) == 0o600
    assert demo_people.make(house) == []


def test_a_start_that_ended_in_between_goes_on_with_the_same_passwords(house):
    (house.settings.data / demo_people.FILE).write_text("demo-citizen a-password-from-before\n", "utf-8")
    made = {one.login: one for one in demo_people.make(house)}
    assert made["demo-citizen"].password == "a-password-from-before"
    assert house.people.sign_in("demo-citizen", "a-password-from-before").token


def test_the_esg_officer_speaks_for_the_company_and_the_workbook_imports_whole(house):
    demo_people.make(house)
    demo_company.begin(house)
    assert [demo_company.welcome(house), demo_company.welcome(house)] == [True, False]
    person = demo_people.account(house, demo_people.ESG_OFFICER)
    with house.records.read() as connection:
        assert company_desk.written_by(connection, person.actor, COMPANY.id).id == COMPANY.id
    book = (demo_files.write(house.settings.data, 7, TODAY) / "activity.xlsx").read_bytes()
    with house.records.read() as connection:
        look = activity_desk.preview(house, connection, COMPANY, book, Asked(name="activity.xlsx"))
    assert (len(look.accepted), look.rejected) == (36, ())
    kept = activity_desk.bring(house, COMPANY, book, Asked(name="activity.xlsx"), By(person.id, house.clock.now()))
    assert kept.company == COMPANY.id


def test_the_home_waits_for_weather_then_joins_once_with_its_bills(house):
    demo_people.make(house)
    with_weather(house, date(2026, 11, 1))
    assert not demo_home.join(house)
    with_weather(house)
    assert [demo_home.join(house), demo_home.join(house)] == [True, False]
    person = demo_people.account(house, demo_people.CITIZEN)
    with house.records.read() as connection:
        seen = mine(connection, person.id)
        assert practice_records.member(connection, person.id) is not None
    assert {one.utility for one in seen.bills} == {"electricity", "gas"}
    assert len(seen.bills) == 2 * 26  # September 2024 to October 2026


def test_the_home_is_judged_by_what_it_used_and_a_person_has_to_look_at_it(house):
    demo_people.make(house)
    demo_officer.fund(house)
    with_weather(house)
    demo_home.join(house)
    assert HouseholdWatch(house).look_once() == 2
    person = demo_people.account(house, demo_people.CITIZEN)
    with house.records.read() as connection:
        told = {one.utility: one for one in mine(connection, person.id).judgements}
    assert {one.period for one in told.values()} == {"2026H1"}
    assert (told["gas"].claim_state, told["gas"].won > 0) == ("reserved", True)
    assert told["electricity"].won == 0


def test_the_water_workbook_can_be_brought_by_the_citizen(house):
    demo_people.make(house)
    with_weather(house)
    demo_home.join(house)
    person = demo_people.account(house, demo_people.CITIZEN)
    read = read_bills((demo_files.write(house.settings.data, 7, TODAY) / "home-water.xlsx").read_bytes(), None)
    assert (len(read.bills), read.refused) == (12, ())
    with house.records.begin() as connection:
        answers = HouseholdDesk(house).enter(connection, [one for _, one in read.bills], By(person.id, house.clock.now()))
        kept = household_records.of_person(connection, person.id)
    assert {one.state for one in answers} == {"kept"}
    assert kept is not None
