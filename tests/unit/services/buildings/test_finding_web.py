"""The watch over a real register and telemetry, and the pages and API of what it found: who sees it, who may act, odd input."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.geo import at as place_at
from dure.core.observations import Batch
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets, decisions
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.buildings.finding import ticket_records
from dure.services.buildings.finding.finding_watch import FindingWatch
from dure.services.buildings.model import KINDS, PROPERTIES
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.service import BuildingsService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
PASSWORD = "a rather long one 42"
API = "/api/v1/buildings"
DAYS = 120
HOUR_US = 3_600_000_000
MIDNIGHT_US = to_us(datetime(2026, 11, 23, 15, tzinfo=UTC))  # local


def asset(ident: str, kind: str, parent: str | None = None, **attributes: object) -> Asset:
    return Asset(
        id=ident, kind=kind, name=Text(f"건물 {ident}", f"Building {ident}"), city=CITY.id, parent=parent,
        place=place_at(126.83, 37.2) if kind == "building" else None, attributes=attributes, state="live",
    )  # fmt: skip


REGISTER = [
    asset("hall", "building", use="office", area_m2=5_000),
    asset("hall-el", "meter", "hall", fuel="electricity"),
    asset("hall-wa", "meter", "hall", fuel="water"),
    asset("hall-ga", "meter", "hall", fuel="city_gas"),
    asset("hall-ok", "meter", "hall", fuel="electricity", part="sub"),
]


def entries(telemetry: DuckTelemetry, meter: str, use: str, amounts: np.ndarray) -> None:
    """Intervals of the last days, as the books keep them."""
    n = len(amounts)
    at = MIDNIGHT_US - (n - np.arange(n)) * HOUR_US
    none = np.zeros(n, np.uint8)
    seq = np.arange(1, n + 1, dtype=np.int64) + 100_000 * [one.id for one in REGISTER].index(meter)
    telemetry.append(Batch([(meter, use)], none.astype(np.int32), at, at, amounts.astype(float), none + 1, none, seq), {})


def steady(seed: int, base: float) -> np.ndarray:
    chance = np.random.default_rng(seed)
    hour = np.arange(DAYS * 24) % 24
    return np.rint(base * (1 + (hour > 7) * (hour < 20)) * (1 + chance.normal(0, 0.02, DAYS * 24)))


def months(last: int) -> list[MonthUse]:
    return [
        MonthUse(
            meter=meter, month=f"2026-{n:02d}", known_at=NOW, building="hall", fuel=fuel, part="main", book=book,
            amount=1_000_000,
            measured=1_000_000, won=won,
            source=source,
        )
        for meter, fuel, book, won, source in (
            ("hall-ga", "city_gas", "kJ", 25_000, "bills"), ("hall-el", "electricity", "Wh", 140_000, "both"),
        )
        for n in range(1, last + 1)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("findings")
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    clock = FixedClock(NOW)
    with records.begin() as connection:
        assets.import_many(connection, REGISTER, By("test", NOW - timedelta(days=9)))
        month_records.put(connection, months(8))
    people, telemetry = People(records, clock), DuckTelemetry(folder / "telemetry.duckdb")
    leaking = steady(1, 10_000)
    leaking[-4 * 24 :] += 6_000
    flowing = np.where(np.arange(DAYS * 24) % 24 > 6, 300, 0)
    flowing[-6 * 24 :] += 40
    entries(telemetry, "hall-el", "electricity_use", leaking)
    entries(telemetry, "hall-wa", "water_use", flowing)
    entries(telemetry, "hall-ok", "electricity_use", steady(2, 4_000))
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": records, "telemetry": telemetry, "people": people, "live": Live(),
        "directory": Directory(records, CITY.id), "services": (BuildingsService(),),
    }  # fmt: skip
    house = House(**parts)
    house.directory.refresh()
    for role in ("crew", "operator", "citizen"):
        people.add(role, role, PASSWORD, [role], By("test", NOW))
    watch = FindingWatch(house)
    assert asyncio.run(watch.look()) == 4
    app = create_app(house)
    yield {"nobody": Visitor(app), "house": house, "watch": watch} | {
        role: Visitor(app, people.sign_in(role, PASSWORD, NOW).token) for role in ("crew", "operator", "citizen")
    }
    telemetry.close()
    records.close()


def found(city, **query: str) -> list[dict]:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return city["operator"].get(f"{API}/findings?{words}").json()["items"]


def test_the_watch_finds_what_leaks_and_the_bill_that_is_late_and_nothing_else(city):
    kinds = {one["meter"]: one["finding"] for one in found(city)}
    assert kinds == {"hall-el": "leak", "hall-wa": "leak", "hall-ga": "missing"}


def test_a_second_look_opens_nothing_twice(city):
    before = found(city)
    asyncio.run(city["watch"].look())
    assert [one["id"] for one in found(city)] == [one["id"] for one in before]


def test_what_costs_most_comes_first_and_is_worth_its_own_bills_price(city):
    items = found(city)
    assert [one["won_year"] for one in items] == sorted((one["won_year"] for one in items), reverse=True)
    electric = next(one for one in items if one["meter"] == "hall-el")
    worth = electric["facts"]["worth"]
    assert worth["won_year"] == pytest.approx(worth["energy_wh_year"] * 0.14, rel=0.01)
    assert "billed months" in worth["price"]
    assert worth["energy_wh_year"] == pytest.approx(6_000 * 8_766, rel=0.15)
    assert electric["co2e_g_year"] > 0


def test_the_decision_behind_a_finding_can_be_explained(city):
    electric = found(city, meter="hall-el")[0]
    with city["house"].records.read() as connection:
        decision = decisions.get(connection, electric["facts"]["decision"])
    assert decision.inputs["property"] == "electricity_use"
    assert "kWh" in decision.reasons[0]


def test_filters_choose(city):
    assert {one["meter"] for one in found(city, finding="leak")} == {"hall-el", "hall-wa"}
    assert found(city, building="nowhere") == []
    assert found(city, state="closed") == []


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("citizen", 403), ("crew", 200), ("operator", 200)])
def test_only_staff_see_findings(city, who, status):
    assert city[who].get(f"{API}/findings").status_code == status


def test_the_evidence_says_what_was_used_and_what_was_expected(city):
    electric = found(city, meter="hall-el")[0]
    told = city["crew"].get(f"{API}/findings/{electric['id']}/evidence").json()
    assert told["step"] == "night"
    last = told["items"][-1]
    assert last["actual"] - last["expected"] == pytest.approx(6_000, rel=0.2)
    assert last["actual"] > told["limit"] > last["expected"]


def test_gaps_of_a_meter_are_told(city):
    answer = city["operator"].get(f"{API}/meters/hall-ok/gaps?days=30").json()
    assert answer == {"meter": "hall-ok", "items": []}
    assert city["operator"].get(f"{API}/meters/nothing/gaps").status_code == 404
    assert city["operator"].get(f"{API}/meters/hall-ok/gaps?days=0").status_code == 422


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("nothing/assign", {"owner": "a"}, 404, "ticket.unknown"),
        ("nothing/evidence", None, 404, "ticket.unknown"),
        ("{id}/close", {"outcome": "gone", "note": "x"}, 422, ""),
        ("{id}/close", {"outcome": "no_waste", "note": ""}, 422, ""),
        ("{id}/reopen", {"note": "why"}, 409, "ticket.state"),
        ("{id}/assign", {"owner": "\u0000"}, 422, ""),
    ],
)
def test_what_cannot_be_done_is_refused(city, path, body, status, code):
    ident = found(city, meter="hall-wa")[0]["id"]
    where = f"{API}/findings/{path.format(id=ident)}"
    answer = city["operator"].get(where) if body is None else city["operator"].post(where, body)
    assert answer.status_code == status
    assert code in ("", answer.json()["code"])


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_desk_and_a_finding_are_readable_in_both_languages(city, language):
    electric = found(city, meter="hall-el")[0]
    desk = city["crew"].get(f"/{language}/operations/buildings/findings")
    assert desk.status_code == 200
    assert f"{electric['won_year']:,}" in desk.text
    page = city["crew"].get(f"/{language}/operations/buildings/findings/{electric['id']}")
    assert page.status_code == 200
    assert "chart-ahead" in page.text
    assert ("확인할 것" if language == "ko" else "What to check") in page.text


@pytest.mark.parametrize("query", ["?finding=x&state=y&after=~~", "?after=1~1~x", "?building=%00", "?state=closed&owner=%27"])
def test_odd_questions_to_the_desk_are_answered(city, query):
    assert city["operator"].get(f"/en/operations/buildings/findings{query}").status_code in (200, 404, 422)


def test_a_caretaker_takes_repairs_and_opens_again_by_the_page(city):
    ident = found(city, meter="hall-wa")[0]["id"]
    page, form = f"/ko/operations/buildings/findings/{ident}", "/ko/operations/buildings/finding"
    crew = city["crew"]
    assert crew.form(page, form, finding=ident, do="assign", owner="").status_code == 422
    assert crew.form(page, form, finding=ident, do="assign", owner="김 주무관").status_code == 303
    assert crew.form(page, form, finding=ident, do="repair", note="밸브 잠금").status_code == 303
    assert crew.form(page, form, finding=ident, do="reopen", note="아직 샘").status_code == 303
    assert crew.form(page, form, finding=ident, do="close", outcome="gone", note="x").status_code == 422
    assert crew.form(page, form, finding=ident, do="nothing").status_code == 404
    with city["house"].records.read() as connection:
        ticket = ticket_records.get(connection, ident)
    assert (ticket.state, ticket.owner) == ("assigned", "김 주무관")


def test_a_form_from_elsewhere_is_refused(city):
    answer = city["crew"].ask("POST", "/ko/operations/buildings/finding", data={"do": "assign"})
    assert answer.status_code == 403
