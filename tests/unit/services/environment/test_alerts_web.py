"""Pages and API of alerts: who sees what, who may do what, and that both languages hold every word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import APIRouter
from web_visitor import Visitor

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import AssetKinds
from dure.core.properties import Properties
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.environment.alerting import alert_rounds, subscription_records
from dure.services.environment.alerting.alerts import Measured
from dure.services.environment.api import alert_api
from dure.services.environment.model import KINDS, PROPERTIES
from dure.services.environment.pages import alert_pages
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.app import create_app

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
ZONE = CITY.zones[0]
START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PASSWORD = "a rather long one 42"
API = "/api/v1/environment"


class OnlyAlerts:
    """The service with nothing but its alerts."""

    name = "environment"

    def properties(self):
        return PROPERTIES

    def kinds(self):
        return KINDS

    def api(self, house):
        return alert_api.routes(house)

    def pages(self, house):
        router = APIRouter()
        router.include_router(alert_pages.routes(house))
        return router


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A house with one person of three roles, its web face and no bus."""
    folder = tmp_path_factory.mktemp("alerts")
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    people = People(records, FixedClock(START))
    parts = dict.fromkeys(House.__slots__)
    directory = Directory(records, "hwaseong")
    directory.refresh()
    parts |= {
        "settings": Settings(webhook_private_ok=True, smtp_url="smtp://127.0.0.1:1", public_url="https://d.test"),
        "city": CITY,
        "clock": FixedClock(START),
        "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS),
        "records": records,
        "telemetry": telemetry,
        "people": people,
        "live": Live(),
        "directory": directory,
        "services": (OnlyAlerts(),),
    }
    house = House(**parts)
    tokens = {}
    for role in ("citizen", "officer", "operator"):
        people.add(role, role, PASSWORD, [role], By("test", START))
        tokens[role] = people.sign_in(role, PASSWORD, START).token
    yield house, create_app(house), tokens
    telemetry.close()
    records.close()


@pytest.fixture
def who(city):
    _, app, tokens = city
    return lambda role="": Visitor(app, tokens.get(role, ""))


_next_zone = iter(CITY.zones)


@pytest.fixture
def alarm(city):
    """An alert at level 2 in a zone of its own; its id."""
    house = city[0]
    zone = next(_next_zone)
    for n in range(2):
        one = Measured(rule="air-warning-pm10", scope=zone.id, start_us=to_us(START + n * HOUR), values={"st-1": 321.0})
        alert_rounds.advance(house, [one], START)
    return f"air-warning-pm10-{zone.id}-20261124t040000", zone


def test_everybody_reads_open_alerts_without_persons(who, alarm):
    ident, zone = alarm
    found = {one["id"]: one for one in who().get(f"{API}/alerts").json()["items"]}
    assert found[ident]["level"] == 2
    assert found[ident]["scope_name"]["ko"] == zone.name.ko
    assert found[ident]["issuer"]["ko"] == "대기오염경보는 시·도지사가 발령합니다."
    assert found[ident]["acknowledged_by"] is None
    assert who().get(f"{API}/alerts/{ident}").json()["story"][0]["kind"] == "opened"


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_public_page_says_it_in_plain_words(who, alarm, lang):
    page = who().get(f"/{lang}/environment/alerts")
    assert page.status_code == 200
    assert (alarm[1].name.ko if lang == "ko" else "reached the warning level") in page.text
    assert "발령합니다" in page.text or "issued by the mayor" in page.text


def test_what_is_not_public_is_for_staff(city, who):
    one = Measured(rule="network-finding", scope=ZONE.id, start_us=to_us(START), values={"": 1.0})
    alert_rounds.advance(city[0], [one], START)
    ident = f"network-finding-{ZONE.id}-20261124t030000"
    assert who("citizen").get(f"{API}/alerts/{ident}").status_code == 404
    assert who("officer").get(f"{API}/alerts/{ident}").status_code == 200
    listed = [one["id"] for one in who().get(f"{API}/alerts").json()["items"]]
    assert ident not in listed


def test_an_operator_acknowledges_by_api_once(who, alarm):
    path = f"{API}/alerts/{alarm[0]}/acknowledge"
    assert who().post(path).status_code == 401
    assert who("citizen").post(path).status_code == 403
    done = who("officer").post(path, {"note": "확인"}).json()
    assert done["acknowledged"]
    assert done["story"][-1]["note"] == "확인"
    assert who("operator").post(path).status_code == 409
    public = who().get(f"{API}/alerts/{alarm[0]}").json()
    assert "확인" not in str(public["story"])


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_the_desk_shows_what_needs_a_person_first_and_takes_the_acknowledgement(who, alarm, lang):
    ident, zone = alarm
    desk = f"/{lang}/operations/environment/alerts"
    operator = who("operator")
    page = operator.get(desk).text
    assert page.index('id="waiting"') < page.index(ident) < page.index('id="seen"')

    answer = operator.form(desk, f"{desk}/{ident}/acknowledge", note="전화함")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{desk}?told=seen")
    page = operator.get(desk).text
    assert page.index('id="seen"') < page.index(ident)
    assert operator.form(desk, f"{desk}/{ident}/acknowledge", back="one").headers["location"].endswith("?told=before")
    one = operator.get(f"{desk}/{ident}").text
    assert "전화함" in one
    assert f"air-warning-pm10-{zone.id}" in one
    assert "style=" not in one
    assert who().get(desk).status_code == 303


def test_the_desk_filters_by_rule_and_zone(who, alarm):
    ident, zone = alarm
    operator = who("operator")
    assert ident in operator.get(f"/ko/operations/environment/alerts?scope={zone.id}&rule=air-warning-pm10").text
    assert ident not in operator.get("/ko/operations/environment/alerts?rule=weather-heat").text


def test_a_person_subscribes_pauses_and_ends_by_api(who):
    citizen, other = who("citizen"), who("officer")
    assert who().get(f"{API}/subscriptions").status_code == 401
    made = citizen.post(f"{API}/subscriptions", {"channel": "webhook", "target": "https://x.test/h", "rules": ["air-warning"]})
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    ident = made.json()["subscription"]["id"]
    assert other.post(f"{API}/subscriptions/{ident}/pause").status_code == 404
    assert citizen.post(f"{API}/subscriptions/{ident}/pause").json()["state"] == "paused"
    assert citizen.post(f"{API}/subscriptions/{ident}/resume").json()["state"] == "active"
    assert citizen.ask("DELETE", f"{API}/subscriptions/{ident}").status_code == 204
    assert citizen.post(f"{API}/subscriptions/{ident}/resume").status_code == 409
    assert ident not in str(other.get(f"{API}/subscriptions?everybody=true").json())
    assert ident in str(who("operator").get(f"{API}/subscriptions?everybody=true").json())


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"channel": "email", "target": "no address"}, "subscription.address"),
        ({"channel": "webhook", "target": "ftp://x"}, "subscription.webhook"),
        ({"channel": "in_app", "rules": ["nothing"]}, "subscription.rule"),
        ({"channel": "in_app", "scopes": ["nowhere"]}, "subscription.scope"),
        ({"channel": "in_app", "level_min": 9}, "request.invalid"),
        ({"channel": "in_app", "rules": ["a\u0000"]}, "query.text"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_with_its_code(who, wanted, code):
    answer = who("citizen").post(f"{API}/subscriptions", wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_the_inbox_holds_what_one_was_told_until_it_is_read(city, who):
    citizen = who("citizen")
    citizen.post(f"{API}/subscriptions", {"channel": "in_app", "rules": ["river-grade"], "language": "en"})
    for n in range(3):
        one = Measured(rule="river-grade", scope=ZONE.id, start_us=to_us(START + n * HOUR), values={"": 1.0})
        alert_rounds.advance(city[0], [one], START)
    (message,) = citizen.get(f"{API}/inbox?unread=true").json()["items"]
    assert "River water" in message["subject"]
    for lang in ("ko", "en"):
        assert message["subject"].replace("'", "&#39;") in citizen.get(f"/{lang}/environment/subscriptions").text
    assert who("officer").post(f"{API}/inbox/{message['id']}/read").status_code == 404
    assert citizen.post(f"{API}/inbox/{message['id']}/read").status_code == 204
    assert citizen.get(f"{API}/inbox?unread=true").json()["items"] == []
    assert citizen.form("/ko/environment/subscriptions", "/ko/environment/inbox/read").status_code == 303


def test_a_person_subscribes_and_ends_on_the_page(who):
    officer, page = who("officer"), "/en/environment/subscriptions"
    assert who().get(page).headers["location"].startswith("/en/sign-in")
    wrong = officer.form(page, page, channel="email", target="kim")
    assert wrong.status_code == 422
    assert "Enter an e-mail address" in wrong.text
    made = officer.form(
        page, page, channel="webhook", target="https://x.test/h", **{"rule-weather": "yes"}, scope=ZONE.id, level="2"
    )
    assert "whsec_" in made.text
    assert officer.form(page, page, channel="in_app").headers["location"].endswith("told=made")
    (first, *_) = officer.get(f"{API}/subscriptions").json()["items"]
    assert officer.form(page, f"{page}/{first['id']}", do="pause").headers["location"].endswith("told=changed")
    assert "Paused" in officer.get(page).text
    assert officer.form(page, f"{page}/{first['id']}", do="end").status_code == 303
    assert officer.form(page, f"{page}/{first['id']}", do="fly").status_code == 404


def test_a_mailed_link_asks_before_it_does_anything(city, who):
    citizen = who("citizen")
    made = citizen.post(f"{API}/subscriptions", {"channel": "email", "target": "kim@x.test"}).json()["subscription"]
    assert made["state"] == "paused"
    with city[0].records.read() as connection:
        keys = {one: subscription_records.recipient(connection, made["id"], one).key for one in ("confirm", "end")}
    visitor = who()
    for purpose, state in (("confirm", "active"), ("end", "ended")):
        page = f"/en/environment/subscriptions/{made['id']}/{purpose}?key={keys[purpose]}"
        assert visitor.get(page).status_code == 200
        assert visitor.form(page, page.partition("?")[0], key=keys[purpose]).status_code == 200
        with city[0].records.read() as connection:
            assert subscription_records.get(connection, made["id"]).state == state
    assert visitor.get(f"/en/environment/subscriptions/{made['id']}/end?key=wrong").status_code == 404


def test_a_form_from_elsewhere_changes_nothing(who, alarm):
    answer = who("operator").ask("POST", f"/ko/operations/environment/alerts/{alarm[0]}/acknowledge", data={"csrf": "x"})
    assert answer.status_code == 403
