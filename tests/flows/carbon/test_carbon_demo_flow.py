"""The demo's people against a running city: they use the wires and routes of real ones, and a second start repeats nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from city_running import write_city
from quiet_city import QuietCity

from dure.core.time import day_of
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.companies import activity_desk, company_records, funding_desk
from dure.services.carbon.companies.activity_desk import Asked
from dure.services.carbon.companies.sponsoring_watch import SponsoringWatch
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.practising import challenge_desk
from dure.services.carbon.simulating import demo_challenge, demo_company, demo_files, demo_officer, demo_people, demo_statement
from dure.services.carbon.simulating.demo_citizens import AT_ONCE, CITIZENS, Citizens
from dure.services.carbon.simulating.demo_scales import PAST, Scales
from dure.services.carbon.simulating.virtual_company import COMPANY
from dure.spine.virtual_devices import Connection

NOON = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SCALE = [
    "id,kind,name_ko,name_en,lon,lat,state,device,properties,demo",
    "sc-1,scale,저울,Scale,126.9,37.2,live,dev-sc-1,weighed_mass,yes",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("carbon-demo")
    write_city(folder / "city", ["st-01"])
    (folder / "city" / "assets" / "scales.csv").write_text("\n".join(SCALE) + "\n", "utf-8")
    one = QuietCity(folder, NOON)
    one.start()
    one.connection = Connection(mqtt_host="127.0.0.1", mqtt_port=one.mqtt_port, http_url=one.url, secrets=one.secrets)
    demo_people.make(one.house)
    assert demo_officer.fund(one.house) > 0
    assert demo_company.begin(one.house)
    yield one
    one.stop()


@pytest.fixture(scope="module")
def practised(demo):
    """Deeds of the citizens, told to the end."""
    return told(demo)


def told(demo):
    async def work():
        citizens, count = Citizens(demo.house, demo.connection), 0
        while (found := await citizens.look()) == AT_ONCE:
            count += found
        await citizens.close()
        return count + found

    return demo.call(work())


def claims(demo, method=""):
    with demo.house.records.read() as connection:
        return [one for one in claim_desk.claims(connection) if one.method.startswith(method)]


def test_what_begins_once_is_not_begun_again(demo):
    assert demo_people.make(demo.house) == []
    assert demo_officer.fund(demo.house) == 0
    assert not demo_company.begin(demo.house)
    assert demo_company.welcome(demo.house)
    assert not demo_company.welcome(demo.house)


def test_citizens_prove_what_they_did_and_a_second_start_proves_nothing_twice(demo, practised):
    before = {one.id: one.state for one in claims(demo)}
    assert practised > CITIZENS
    assert len([state for state in before.values() if state == "awarded"]) > practised / 2
    assert {one.tier for one in claims(demo)} == {"C"}

    assert told(demo) == practised

    assert {one.id: one.state for one in claims(demo)} == before


@pytest.mark.usefixtures("practised")
def test_their_groups_stand_in_a_challenge_that_begins_once(demo):
    with demo.house.records.read() as connection:
        one, found = challenge_desk.standing(connection, demo_challenge.CHALLENGE, 5)
    done = [each for each in claims(demo) if each.method.partition("@")[0] in one.practices and each.state == "awarded"]

    assert [each.members for each in found.groups] == [CITIZENS // 2] * 2
    assert found.whole.times == len(done) > 0
    assert found.reached_fraction == pytest.approx(len(done) / demo_challenge.GOAL)


@pytest.mark.usefixtures("practised")
def test_the_company_pays_for_what_citizens_did(demo):
    SponsoringWatch(demo.house).round()
    with demo.house.records.read() as connection:
        achieved = {one.held.sponsorship.id: one for one in funding_desk.achieved_by(connection, COMPANY.id)}

    citizens = achieved["spn-demo-citizens"]
    assert citizens.claims["C"] == len([one for one in claims(demo) if one.state == "awarded" and one.tier == "C"])
    assert citizens.released_won == 1_000_000
    assert achieved["spn-demo-verified"].released_won == 0


def test_scales_weigh_over_mqtt_and_their_bags_become_claims_once(demo):
    async def work():
        scales = Scales(demo.house, demo.connection)
        count = await scales.look()
        for _ in range(200):
            if count >= PAST:
                break
            count += await scales.look()
        await scales.close()
        return count

    assert demo.call(work()) == PAST
    EventWatch(demo.house).look_once()
    weighed = claims(demo, "recycled-mass")
    assert len(weighed) == PAST
    assert {one.tier for one in weighed} == {"B"}

    demo.call(work())  # a second start weighs the same bags again
    EventWatch(demo.house).look_once()

    assert [one.id for one in claims(demo, "recycled-mass")] == [one.id for one in weighed]


def test_the_esg_officer_issues_last_years_statement_once(demo):
    demo.later(minutes=10)  # what was entered just now is not settled before
    assert demo_statement.issue(demo.house)
    assert not demo_statement.issue(demo.house)


def test_every_row_of_the_file_for_a_first_try_is_taken(demo, tmp_path):
    folder = demo_files.write(tmp_path, demo.house.city.seed, day_of(NOON, demo.house.city.zone))
    data = (folder / "activity.xlsx").read_bytes()
    with demo.house.records.read() as connection:
        company = company_records.get(connection, COMPANY.id)
        found = activity_desk.preview(demo.house, connection, company, data, Asked(name="activity.xlsx"))

    assert found.rejected == ()
    assert len(found.accepted) == demo_files.MONTHS * len(demo_files.FUEL_AND_TRAVEL)


def test_the_books_are_sound_after_all_of_it(demo):
    with demo.house.records.read() as connection:
        assert check(connection).sound
