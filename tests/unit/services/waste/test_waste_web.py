"""Pages and API of waste collection: who sees what, who may do what, and what wrong input is answered."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import AssetKinds
from dure.core.properties import Properties
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets, events
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_waste import waste_plans
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.waste.driving import tap_records
from dure.services.waste.driving.missed import Due, Missed
from dure.services.waste.driving.missed_watch import missed_event
from dure.services.waste.model import KINDS, PROPERTIES
from dure.services.waste.placing import advice_records
from dure.services.waste.placing.advice import Advice, Limits
from dure.services.waste.placing.advice_records import Placement, Standing
from dure.services.waste.service import WasteService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PASSWORD = "a rather long one 42"
API = "/api/v1/waste"
TAP = {
    "id": "phone-0001",
    "bin": "bin-001",
    "kind": "emptied",
    "level": 0.5,
    "seen_at": "2026-11-24T02:00:00Z",
    "truck": "truck-1",
}
VISITS = [
    {"kind": "start", "id": "truck-1", "place": 0, "begin_s": 21_600, "leave_s": 21_600},
    {"kind": "stop", "id": "bin-001", "place": 1, "begin_s": 22_000, "leave_s": 22_120},
    {"kind": "stop", "id": "bin-002", "place": 2, "begin_s": 23_000, "leave_s": 23_120},
    {"kind": "end", "id": "truck-1", "place": 0, "begin_s": 50_000, "leave_s": 50_000},
]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("waste-web")
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    with records.begin() as connection:
        assets.import_many(
            connection, [one for one in CITY.assets() if one.kind != "station"], By("test", NOW - timedelta(days=9))
        )
        plan = {
            "routes": [{"vehicle": "truck-1", "visits": VISITS, "distance_m": 12_000}],
            "rows": ["depot-1", "bin-001", "bin-002"],
        }
        connection.execute(
            waste_plans.insert().values(
                id="plan-a", day="2026-11-24", version=1, state="published", made_at=NOW, person="", inputs_sha256="", inputs={},
                plan=plan, decision="",
            )
        )  # fmt: skip
    people = People(records, clock)
    telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "telemetry": telemetry, "people": people, "live": Live(),
        "directory": Directory(records, CITY.id), "services": (WasteService(),),
    }  # fmt: skip
    house = House(**parts)
    house.directory.refresh()
    for role in ("crew", "operator", "citizen"):
        people.add(role, role, PASSWORD, [role], By("test", NOW))
    app = create_app(house)
    yield {"nobody": Visitor(app), "house": house} | {
        role: Visitor(app, people.sign_in(role, PASSWORD, NOW).token) for role in ("crew", "operator", "citizen")
    }
    telemetry.close()
    records.close()


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("citizen", 403), ("crew", 200), ("operator", 200)])
def test_only_who_does_field_work_may_send_taps(city, who, status):
    assert city[who].post(f"{API}/taps", {"taps": []}).status_code == status


def test_a_batch_of_taps_is_answered_one_by_one(city):
    found = city["crew"].post(
        f"{API}/taps", {"taps": [TAP, TAP, TAP | {"id": "phone-0002", "level": 9}, {"id": "phone-0003", "undoes": "phone-0001"}]}
    )
    assert [one["state"] for one in found.json()["answers"]] == ["kept", "known", "parked", "undone"]
    assert found.json()["answers"][2]["code"] == "tap.level"


@pytest.mark.parametrize(("body", "status", "code"), [(b"{", 422, "taps.malformed"), (b'{"taps": 1}', 422, "taps.malformed")])
def test_a_body_without_taps_is_refused(city, body, status, code):
    found = city["crew"].ask("POST", f"{API}/taps", content=body, headers={"content-type": "application/json"})
    assert (found.status_code, found.json()["code"]) == (status, code)


def test_the_route_of_a_truck_comes_as_json_geojson_and_gpx(city):
    route = city["crew"].get(f"{API}/routes/truck-1").json()
    assert [one["number"] for one in route["stops"]] == [None, 1, 2, None]
    assert route["stops"][0]["id"] == "depot-1"
    assert city["crew"].get(f"{API}/routes/truck-1.geojson").json()["features"][-1]["properties"]["distance_m"] == 12_000
    gpx = city["crew"].get(f"{API}/routes/truck-1.gpx?language=en")
    assert gpx.headers["content-type"].startswith("application/gpx+xml")
    assert "<rtept" in gpx.text
    assert city["crew"].get(f"{API}/routes/truck-2").json()["code"] == "route.none"
    assert city["nobody"].get(f"{API}/routes/truck-1").status_code == 401


def test_bins_are_for_everybody_and_beliefs_for_staff(city):
    bins = city["nobody"].get(f"{API}/bins?limit=2").json()
    assert [one["id"] for one in bins["items"]] == ["bin-001", "bin-002"]
    assert bins["next"] == "bin-002"
    assert bins["items"][1]["planned_at"]
    assert city["nobody"].get(f"{API}/bins/truck-1").status_code == 404
    assert city["citizen"].get(f"{API}/beliefs").status_code == 403
    believed = city["crew"].get(f"{API}/beliefs?limit=1").json()["items"][0]
    assert (believed["bin"], believed["health"]) == ("bin-001", "silent")


def test_a_report_comes_in_by_the_api_and_is_answered_by_an_operator(city):
    sent = city["nobody"].post(f"{API}/reports", {"bin": "bin-003", "kind": "overflow", "words": "봉투"})
    number = sent.json()["number"]
    assert sent.status_code == 201
    assert city["nobody"].get(f"{API}/reports/{number.lower()}").json()["state"] == "open"
    assert city["nobody"].post(f"{API}/reports/{number}/settle", {"state": "done"}).status_code == 401
    assert city["crew"].post(f"{API}/reports/{number}/settle", {"state": "done"}).status_code == 403
    assert (
        city["operator"].post(f"{API}/reports/{number}/settle", {"state": "done", "note": "고맙습니다"}).json()["answer"]
        == "고맙습니다"
    )
    assert city["operator"].post(f"{API}/reports/{number}/settle", {"state": "done"}).json()["code"] == "report.settled"
    assert city["nobody"].get(f"{API}/reports").status_code == 401
    assert city["nobody"].post(f"{API}/reports", {"bin": "bin-999", "kind": "full"}).json()["code"] == "report.bin_unknown"


def test_too_many_reports_from_one_address_are_refused_with_the_time_to_wait(city):
    answers = [city["nobody"].post(f"{API}/reports", {"bin": "bin-004", "kind": "full"}) for _ in range(8)]
    last = answers[-1]
    assert (last.status_code, last.json()["code"]) == (429, "report.too_often")
    assert int(last.headers["retry-after"]) > 60


@pytest.mark.parametrize("path", ["plans?day=2026-11-24", "edits?day=2026-11-24", "alarms", "tickets", "accounts"])
def test_what_staff_read_is_not_for_citizens(city, path):
    assert city["operator"].get(f"{API}/{path}").status_code == 200
    assert city["citizen"].get(f"{API}/{path}").status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("plans", {"day": "2026-13-40"}, "plan.day"),
        ("plans", {"day": "2026-11-01"}, "plan.past"),
        ("plans/plan-x/publish", {}, "plan.unknown"),
        ("edits", {"day": "2026-11-24", "kind": "lock", "bin": "bin-999"}, "edit.bin"),
        ("edits/nothing/undo", {}, "edit.unknown"),
        ("alarms/nothing/acknowledge", {}, "alarm.unknown"),
        ("tickets/nothing/assign", {"owner": "x"}, "ticket.unknown"),
        ("baseline", {"log_from": "2026-11-01", "log_to": "2026-11-02", "starts_on": "2026-12-01"}, "baseline.log_short"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_code(city, path, body, code):
    found = city["operator"].post(f"{API}/{path}", body)
    assert found.status_code in (404, 409, 422), found.text
    assert found.json()["code"] == code


def test_advice_is_read_as_it_was_kept_and_is_not_there_before_a_night(city):
    assert city["operator"].get(f"{API}/placement").json()["code"] == "advice.early"
    assert "There is no advice yet" in city["operator"].get("/en/operations/waste/placement").text
    with city["house"].records.begin() as connection:
        both = (
            Advice(
                bin="bin-001",
                action="move",
                km_year=300.0,
                beside="bin-002",
                beside_m=120.0,
                driven_km_year=280.0,
                overflow_year=1.0,
                tried=True,
            ),
            Advice(bin="bin-002", action="sensor", km_year=90.0),
        )
        standing = {one.bin: Standing(0.31, 700.0, sensor=True) for one in both}
        kept = Placement(
            made_at=NOW, advice=both, standing=standing, bins_n=60, days_n=12, dial_m=20_000.0, limits=Limits(), estimated=True
        )
        advice_records.add(connection, kept)
    found = city["operator"].get(f"{API}/placement").json()
    assert [(one["bin"], one["tried"]) for one in found["advice"]] == [("bin-001", True), ("bin-002", False)]
    assert "120 m" in found["advice"][0]["why"]["en"]
    assert "rehearsal" in found["rehearsal"]["en"]
    assert [one["action"] for one in city["operator"].get(f"{API}/placement?action=sensor").json()["advice"]] == ["sensor"]
    assert city["operator"].get(f"{API}/placement?action=burn").status_code == 422
    page = city["operator"].get("/en/operations/waste/placement").text
    assert "This is a rehearsal" in page
    assert "31% a day" in page
    assert city["citizen"].get(f"{API}/placement").status_code == 403
    assert city["nobody"].get("/en/operations/waste/placement").status_code == 303


def test_the_list_of_bins_begins_with_what_needs_a_person_and_comes_in_pages(city):
    planned = datetime(2026, 11, 23, 23, 0, tzinfo=UTC)
    visit = Missed(Due("bin-005", "truck-1", to_us(planned)), before=0.8, since=0.85)
    with city["house"].records.begin() as connection:
        events.add(connection, [missed_event(visit, "plan-a", NOW)])
    first = city["operator"].get("/en/operations/waste/bins").text
    assert "Pick-up missed" in first
    assert 'rel="next"' in first
    assert first.count('<th scope="row">') == 30
    assert "bins/bin-005" in city["operator"].get("/en/operations/waste/bins?need=missed").text
    assert "bins/bin-006" not in city["operator"].get("/en/operations/waste/bins?need=missed").text


def test_wet_waste_is_one_touch_before_the_touch_it_belongs_to(city):
    page = city["crew"].get("/ko/field/waste/truck-1").text
    assert 'type="checkbox" name="wet"' in page
    sent = TAP | {"id": "phone-wet-1", "bin": "bin-009", "kind": "blocked", "level": None, "wet": True}
    assert city["crew"].post(f"{API}/taps", {"taps": [sent]}).json()["answers"][0]["state"] == "kept"
    with city["house"].records.read() as connection:
        assert tap_records.of_bin(connection, "bin-009")[0].facts == {"wet": True}


@pytest.mark.parametrize(("who", "status"), [("nobody", 303), ("citizen", 403), ("crew", 200)])
def test_the_drivers_page_is_for_crews(city, who, status):
    assert city[who].get("/ko/field/waste/truck-1").status_code == status


def test_a_form_from_elsewhere_taps_nothing(city):
    found = city["crew"].ask("POST", "/ko/field/waste/truck-1/tap", data={"id": "phone-0009", "bin": "bin-002", "level": "0.5"})
    assert found.status_code == 403
    before = json.dumps(city["crew"].get(f"{API}/routes/truck-1").json())
    assert "phone-0009" not in before


def test_a_bin_found_by_the_list_of_all_assets_leads_to_its_own_page(city):
    found = city["nobody"].get("/en/waste/stations/bin-001")
    assert (found.status_code, found.headers["location"]) == (308, "/en/waste/bins/bin-001")


def test_a_dispatchers_page_without_a_plan_offers_to_make_one(city):
    page = city["operator"].get("/en/operations/waste?day=2026-11-26").text
    assert "There is no plan of this day" in page
    assert "New draft from what is known now" in page
    assert "New draft from what is known now" not in city["crew"].get("/en/operations/waste?day=2026-11-26").text
