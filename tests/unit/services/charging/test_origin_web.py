"""Pages and routes of the origin ledger: who may see them, both languages, figures that equal the books."""

from __future__ import annotations

import csv
import io
import sys
from pathlib import Path

import pytest
from origin_city import BEGIN, MINUTE, SITE, close, house_in, keep, moved, put_site, registers, session
from sqlalchemy import update

from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.records.tables_charging_origin import charging_origin_intervals
from dure.services.charging import sites
from dure.services.charging.origin.origin_desk import OriginDesk
from dure.services.charging.origin.split import booked
from dure.services.charging.sessions.session_records import overlapping
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
API = f"/api/v1/charging/sites/{SITE}/origin"
PAGE = "/operations/charging/origin"
FLOWS = {
    "pv": [4_000, 4_000, 0, 0], "charge": [2_000, 2_000, 0, 0], "discharge": [0, 0, 1_500, 2_500], "grid": [0, 0, 500, 500],
    "export": [0, 0, 0, 0],
}  # fmt: skip
DAY = "2026-11-23"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    house = house_in(tmp_path_factory.mktemp("origin-web"))
    put_site(house)
    registers(house, FLOWS)
    one = session(house, "t1", [2_000, 2_000, 2_000, 3_000])
    moved(house, BEGIN + 60 * MINUTE)
    with house.records.read() as connection:
        site = sites.registered(connection).sites[SITE]
    keep(house, one)
    OriginDesk(house, overlapping).book(site)
    house.directory.refresh()
    app = create_app(house)
    visitors = {"nobody": Visitor(app)}
    for role in ("citizen", "operator", "officer"):
        house.people.add(role, role, PASSWORD, [role], By("test", BEGIN))
        visitors[role] = Visitor(app, house.people.sign_in(role, PASSWORD, house.clock.now()).token)
    yield house, visitors, one
    close(house)


PAGES = (PAGE, f"{PAGE}/{SITE}?day={DAY}", f"{PAGE}/{SITE}/month?month=2026-11", f"{PAGE}/{SITE}/check")
ROUTES = (
    API, f"{API}/balance", f"{API}/certificates?month=2026-11", f"{API}/direct-supply?month=2026-11", f"{API}/verification",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES, ids=["sites", "day", "month", "check"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_are_for_who_may_read_the_citys_data(world, path, language):
    _, visitors, _ = world
    assert visitors["operator"].get(f"/{language}{path}").status_code == 200
    assert visitors["citizen"].get(f"/{language}{path}").status_code in (303, 307, 403)
    assert visitors["nobody"].get(f"/{language}{path}").status_code in (303, 307, 401)


@pytest.mark.parametrize("path", ROUTES, ids=["intervals", "balance", "certificates", "supply", "verification"])
def test_routes_are_for_who_may_read_the_citys_data(world, path):
    _, visitors, _ = world
    assert [visitors[who].get(path).status_code for who in ("nobody", "citizen", "operator", "officer")] == [401, 403, 200, 200]


def test_the_balance_equals_the_registers(world):
    _, visitors, _ = world
    found = visitors["operator"].get(f"{API}/balance?start=2026-11-22T15:00:00Z&end=2026-11-22T16:00:00Z").json()
    assert found["measured"]["pv"] == sum(FLOWS["pv"])
    assert sum(found["charged"].values()) == 9_000
    assert found["intervals"] == 4


def test_certificates_come_as_a_table_too(world):
    _, visitors, _ = world
    answer = visitors["operator"].get(f"{API}/certificates?month=2026-11&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"].startswith("text/csv")
    assert sum(int(row["face_value_wh"]) for row in rows if row["released_from_storage"] == "false") == sum(FLOWS["pv"])


def test_a_session_that_is_not_booked_is_said_so(world):
    _, visitors, one = world
    assert visitors["operator"].get(f"/api/v1/charging/sessions/{one.id}/origin").json()["final"] is True
    answer = visitors["operator"].get("/api/v1/charging/sessions/cs-nobody/origin")
    assert (answer.status_code, answer.json()["code"]) == (404, "origin.not_booked")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v1/charging/sites/nowhere/origin", "charging.unknown"),
        (f"{API}/direct-supply?month=2026-13", "query.month"),
        (f"{API}?start=2025-01-01T00:00:00Z&end=2026-01-01T00:00:00Z", "query.span_too_long"),
    ],
    ids=["site", "month", "span"],
)
def test_bad_questions_have_a_code(world, path, code):
    _, visitors, _ = world
    assert visitors["operator"].get(path).json()["code"] == code


def test_the_day_says_what_each_got_and_that_the_meters_are_met(world):
    house, visitors, one = world
    page = visitors["operator"].get(f"/en{PAGE}/{SITE}?day={DAY}").text
    with house.records.read() as connection:
        split = booked(connection, one.id)
    assert f"{split.ess_pv_wh:,}" in page
    assert "Meters and books" in page
    assert one.id in page
    assert "Booked" not in page


def test_the_explanation_of_a_session_unfolds_to_its_reads(world):
    _, visitors, one = world
    figure = f"charging/session/{one.id}/origin"
    found = visitors["operator"].get(f"/api/v1/charging/explain?figure={figure}").json()
    assert found["agrees"] is True
    assert found["step"]["value"] == 9_000
    page = visitors["officer"].get(f"/en/operations/charging/explain?figure={figure}")
    assert page.status_code == 200
    assert "Run again: the same" in page.text
    assert visitors["citizen"].get(f"/api/v1/charging/explain?figure={figure}").status_code == 403
    assert visitors["operator"].get("/ko/operations/charging/explain").status_code == 200
    assert visitors["operator"].get("/ko/operations/charging/explain?figure=charging/x").status_code == 404


def test_a_day_that_is_none_is_refused(world):
    _, visitors, _ = world
    assert visitors["operator"].get(f"/en{PAGE}/{SITE}?day=2026-02-30").status_code == 422


def test_the_check_finds_a_row_that_was_changed(world):
    house, visitors, _ = world
    assert visitors["operator"].get(f"{API}/verification").json()["broken_seq"] is None
    changed = update(charging_origin_intervals).where(charging_origin_intervals.c.seq == 3)
    with house.records.begin() as connection:
        connection.execute(changed.values(rule="origin-0"))
    try:
        assert visitors["operator"].get(f"{API}/verification").json()["broken_seq"] == 3
        assert "not as it was sealed" in visitors["operator"].get(f"/en{PAGE}/{SITE}/check").text
    finally:
        with house.records.begin() as connection:
            connection.execute(changed.values(rule="origin-1"))


def test_a_site_is_booked_again_by_who_does_field_work_and_nothing_is_booked_twice(world):
    house, visitors, _ = world
    asked = {"since": "2026-11-23T00:00:00+09:00"}
    assert visitors["nobody"].post(API, asked).status_code == 401
    assert visitors["citizen"].post(API, asked).status_code == 403
    assert visitors["operator"].post(API, asked).json()["rows"] == 0
    assert visitors["operator"].post(API, {"since": "yesterday"}).json()["code"] == "time.unreadable"
    with house.records.read() as connection:
        assert audit.listing(connection, limit=1).items[0].detail["origin"]["rows"] == 0
