"""A site's own meter is replaced and somebody says so: the books follow, and nothing of the step is lost or invented."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest
from origin_city import BEGIN, MINUTE, SITE, close, house_in, keep, moved, put_site, read, registers, session

from dure.core.time import Interval, format_instant
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.charging import sites
from dure.services.charging.origin import origin_view
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.services.charging.sessions.session_records import overlapping
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

API = f"/api/v1/charging/sites/{SITE}/exchanges"
PV = f"{SITE}-pv"
AT = BEGIN + 37 * MINUTE  # in the third quarter
ONE = {"asset": PV, "property": "solar_register", "at": format_instant(AT), "last_wh": 11_000, "first_wh": 500_000}
PASSWORD = "a rather long one 42"


@pytest.fixture
def world(tmp_path):
    """A site of an hour whose generator had 11 000 Wh on its meter when it was replaced by one that showed 500 000."""
    house = house_in(tmp_path)
    put_site(house)
    registers(house, {"charge": [0] * 4, "discharge": [0] * 4, "grid": [500] * 4, "export": [0] * 4})
    read(house, PV, "solar_register", [1_000, 5_000, 9_000])
    read(house, PV, "solar_register", [501_500, 505_500], BEGIN + 45 * MINUTE)
    keep(house, session(house, "t1", [4_500, 4_500, 4_000, 4_500]))
    moved(house, BEGIN + 60 * MINUTE)
    OriginDesk(house, overlapping).book(site_of(house))
    house.directory.refresh()
    app = create_app(house)
    visitors = {}
    for role in ("citizen", "officer", "operator"):
        house.people.add(role, role, PASSWORD, [role], By("test", BEGIN))
        visitors[role] = Visitor(app, house.people.sign_in(role, PASSWORD, house.clock.now()).token)
    yield house, visitors
    close(house)


def site_of(house):
    with house.records.read() as connection:
        return sites.registered(connection).sites[SITE]


def sun_wh(house):
    """What the books say the generator gave in each quarter [Wh]."""
    with house.records.read() as connection:
        found = origin_view.intervals(connection, SITE, Interval(BEGIN, BEGIN + 60 * MINUTE))
    return [one.measured.get("pv", 0) + one.measured.get("untimed", 0) for one in found]


def test_before_it_is_noted_the_step_is_in_no_book_and_after_it_all_of_it_is(world):
    house, visitors = world
    assert sun_wh(house) == [4_000, 4_000, 0, 4_000]
    told = visitors["operator"].post(API, ONE)
    assert (told.status_code, told.json()["rows"]) == (201, 1)
    assert sun_wh(house) == [4_000, 4_000, 2_000 + 1_500, 4_000]
    with house.records.read() as connection:
        assert origin_view.checked(connection, SITE).sound
        assert "exchange" in audit.listing(connection, object_id=PV).items[0].detail


def test_an_exchange_that_never_was_is_taken_back_and_the_books_with_it(world):
    house, visitors = world
    visitors["operator"].post(API, ONE)
    where = f"{API}?asset={PV}&property=solar_register&at={ONE['at']}"
    assert [one["last_wh"] for one in visitors["officer"].get(API).json()["items"]] == [11_000]
    assert visitors["operator"].ask("DELETE", where).json() == {"rows": 1}
    assert visitors["officer"].get(API).json()["items"] == []
    assert sun_wh(house) == [4_000, 4_000, 0, 4_000]
    again = visitors["operator"].ask("DELETE", where)
    assert (again.status_code, again.json()["code"]) == (404, "exchange.unknown")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"at": format_instant(BEGIN + timedelta(hours=9))}, "exchange.future"),
        ({"asset": f"{SITE}-e1"}, "exchange.register"),
        ({"property": "grid_import_register"}, "exchange.register"),
    ],
)
def test_what_cannot_be_is_refused_with_a_code(world, wrong, code):
    _, visitors = world
    found = visitors["operator"].post(API, ONE | wrong)
    assert (found.status_code, found.json()["code"]) == (422, code)


def test_it_is_noted_by_who_does_field_work(world):
    _, visitors = world
    assert visitors["citizen"].post(API, ONE).status_code == 403
    assert visitors["citizen"].get(API).status_code == 403


@pytest.mark.parametrize("language", ["ko", "en"])
def test_its_page_takes_local_time_and_kilowatt_hours(world, language):
    house, visitors = world
    page = f"/{language}/operations/charging/origin/{SITE}/exchanges"
    form = {"register": f"{PV}/solar_register", "at": "2026-11-23T00:37", "last": "11.0", "first": "500"}
    wrong = visitors["operator"].form(page, page, **(form | {"last": "-1"}))
    assert (wrong.status_code, "exchange.value" in wrong.text) == (422, True)
    assert visitors["operator"].form(page, page, **form).status_code == 303
    assert sun_wh(house) == [4_000, 4_000, 3_500, 4_000]
    assert "500" in visitors["officer"].get(page).text
    assert visitors["citizen"].get(page).status_code in (303, 307, 403)
