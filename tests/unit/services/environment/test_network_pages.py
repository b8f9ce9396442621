"""Pages and API of network health, findings and rules, on the real engines: who sees what, and what buttons do."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import insert

from dure.city import read_city
from dure.config import Settings
from dure.core.access import Actor
from dure.core.assets import Asset, AssetKinds
from dure.core.errors import DureError
from dure.core.geo import at as place_at
from dure.core.observations import Batch, Check
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.clock import FixedClock
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.records.tables_environment import environment_indices
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.environment.api import findings_api
from dure.services.environment.faults import findings
from dure.services.environment.faults.findings import Seen, Verdict
from dure.services.environment.model import KINDS, PROPERTIES
from dure.services.environment.pages import network_pages, rules_pages
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.api.sight import Sight
from dure.web.app import _dure_error
from dure.web.layout import Layout
from dure.web.security import CSRF_COOKIE
from dure.web.static_files import StaticFiles

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
STAFF, ADMIN, CITIZEN = (Actor("eyes", frozenset({"officer"})), Actor("boss", frozenset({"admin"})), Actor())
EVIDENCE = {
    "gaps": {"expected": 1440, "came": 1000, "missing_share": 0.3056, "longest_gap_s": 7200.0},
    "unit_mixed": {"sent_in": ["[ppb]"], "difference": 412.5, "difference_converted": 0.021, "usual_difference": 0.034},
    "moved": {"place_of": "st-2", "likeness_here": 0.1, "likeness_there": 0.93},
}


def station(ident: str, state: str = "live") -> Asset:
    name = Text(f"측정소 {ident}", f"Station {ident}")
    return Asset(id=ident, city=CITY.id, kind="station", name=name, place=place_at(126.9, 37.2), state=state)  # type: ignore[arg-type]


def readings(*rows: tuple[str, int, float, int]) -> Batch:
    keys = sorted({(asset, "air_temperature") for asset, *_ in rows})
    index = {key: number for number, key in enumerate(keys)}
    series = np.array([index[asset, "air_temperature"] for asset, *_ in rows], np.int32)
    time_us = np.array([at for _, at, _, _ in rows], np.int64)
    return Batch(
        keys=keys,
        series=series,
        time_us=time_us,
        result_us=time_us,
        value=np.array([value for _, _, value, _ in rows]),
        flag=np.array([flag for *_, flag in rows], np.uint8),
        check=np.zeros(len(rows), np.uint8),
        seq=np.arange(1, len(rows) + 1, dtype=np.int64),
    )


class Desk:
    """The pages and the API in an application of their own, asked as one person or another."""

    def __init__(self, folder: Path) -> None:
        self.records = Records(f"sqlite:///{folder}/records.db")
        self.records.migrate()
        self.telemetry = DuckTelemetry(folder / "telemetry.duckdb")
        self.live = Live()
        self.actor = CITIZEN
        parts = dict.fromkeys(House.__slots__)
        parts |= {
            "settings": Settings(),
            "city": CITY,
            "clock": FixedClock(NOW),
            "records": self.records,
            "services": (SimpleNamespace(name="environment"),),
        }
        parts |= {
            "properties": Properties(PROPERTIES),
            "kinds": AssetKinds(KINDS),
            "telemetry": self.telemetry,
            "live": self.live,
        }
        parts |= {"directory": Directory(self.records, CITY.id), "people": SimpleNamespace(actor=lambda *_: self.actor)}
        self.house = House(**parts)
        self.app = FastAPI()
        state = self.app.state
        state.house, state.sight = self.house, Sight(self.house)
        state.layout = Layout(self.house, StaticFiles())
        pages = APIRouter()
        for part in (network_pages, rules_pages):
            pages.include_router(part.routes(self.house))
        for language in ("ko", "en"):
            self.app.include_router(pages, prefix=f"/{language}")
        self.app.include_router(findings_api.routes(self.house), prefix="/api/v1")
        self.app.add_exception_handler(DureError, _dure_error)  # type: ignore[arg-type]

    def ask(self, method: str, path: str, actor: Actor = ADMIN, **more: object) -> httpx.Response:
        self.actor = actor

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            cookies = {CSRF_COOKIE: "t" * 43} | ({"dure_session": "s"} if actor.id else {})
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver", cookies=cookies) as client:
                return await client.request(method, path, **more)  # type: ignore[arg-type]

        return asyncio.run(asked())

    def get(self, path: str, actor: Actor = ADMIN, **more: object) -> httpx.Response:
        return self.ask("GET", path, actor, **more)

    def close(self) -> None:
        self.telemetry.close()
        self.records.close()


@pytest.fixture
def desk(tmp_path):
    one = Desk(tmp_path)
    by = By("test", NOW - timedelta(days=9))
    with one.records.begin() as connection:
        for asset in (station("st-1"), station("st-2"), station("st-3", "quarantined")):
            assets.add(connection, asset, by)
            devices.add(connection, devices.Device(id=f"dev-{asset.id}", asset=asset.id, city=CITY.id), by)
    now_us = to_us(NOW)
    start_us = now_us - 24 * HOUR_US
    rows = [("st-1", start_us + n * 10 * MINUTE_US, 10.0 + n % 3, 4 if n % 4 == 0 else 1) for n in range(144)]
    rows += [("st-2", start_us + n * 10 * MINUTE_US, 11.0, 1) for n in range(100)]
    batch = readings(*rows)
    one.telemetry.append(batch, {})
    one.live.update(batch)
    with one.records.begin() as connection:
        findings.note(connection, [Seen(asset="st-1", property="co", kind="gaps", evidence=EVIDENCE["gaps"])], NOW)
        findings.note(connection, [Seen(asset="st-2", property="co", kind="unit_mixed", evidence=EVIDENCE["unit_mixed"])], NOW)
        detail = {"neighbours": ["st-2"], "value": 19.5, "estimate": 11.25, "unit": "Cel"}
        verdict = Verdict(
            asset="st-1",
            property="air_temperature",
            time_us=rows[50][1],
            check=int(Check.UNLIKE_NEIGHBOURS),
            flag=4,
            statistic=8.25,
            threshold=4.5,
            detail=detail,
        )
        findings.keep_verdicts(connection, [verdict], NOW)
        moved = Seen(asset="st-1", property="air_temperature", kind="moved", evidence=EVIDENCE["moved"])
        findings.note(connection, [moved], NOW + timedelta(microseconds=1))
    yield one
    one.close()


def ident(desk: Desk, kind: str) -> str:
    with desk.records.read() as connection:
        return next(one.id for one in findings.unsettled(connection) if one.kind == kind)


PATHS = ["network", "network/export.csv", "rules", "rules/cai"]


@pytest.mark.parametrize("path", PATHS)
def test_only_staff_see_these_pages(desk, path):
    assert desk.get(f"/ko/operations/environment/{path}", CITIZEN).status_code == 303
    assert desk.get(f"/ko/operations/environment/{path}", STAFF).status_code == 200


@pytest.mark.parametrize(
    "path", ["network", "rules", "rules/quality", "rules/network?on=2026-01-01", "rules?mark=to+be+confirmed"]
)
@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_page_has_one_h1_captions_and_labels(desk, language, path):
    page = desk.get(f"/{language}/operations/environment/{path}").text
    assert page.count("<h1") == 1
    assert page.count("<table") == page.count("<caption")
    assert set(re.findall(r'<(?:select|input) id="([^"]+)"', page)) <= set(re.findall(r'<label[^>]* for="([^"]+)"', page))
    assert " style=" not in page
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_what_holds_values_back_stands_first_then_the_oldest(desk):
    page = desk.get("/en/operations/environment/network").text
    titles = re.findall(r'class="what"[^>]*>([^<:]+)', page)
    assert titles == ["Another unit is sent", "Stands elsewhere", "Readings are missing"]
    assert "Values held back" in page
    assert "Of 1,440 readings promised 1,000 came, 31% are missing. The longest gap was 2 hours." in page


def test_the_day_of_each_station_is_told_against_its_promise(desk):
    page = desk.get("/en/operations/environment/network?status=").text
    first = page[page.index("Station st-1</a></th>") :]
    assert re.search(r"good 7\d(\.\d)?%, failed 2\d(\.\d)?%", first)
    second = page[page.index("Station st-2</a></th>") :]
    assert re.search(r"good [67]\d(\.\d)?%, missing [23]\d(\.\d)?%", second)
    assert page.index("Station st-2</a></th>") != page.index("Station st-1</a></th>")


def test_a_new_station_promises_nothing_for_the_time_before_its_device(desk):
    with desk.records.begin() as connection:
        by = By("test", NOW - timedelta(minutes=30))
        assets.add(connection, station("st-4"), by)
        devices.add(connection, devices.Device(id="dev-st-4", asset="st-4", city=CITY.id), by)
    now_us = to_us(NOW)
    batch = readings(*(("st-4", now_us - n * 10 * MINUTE_US, 5.0, 1) for n in range(3)))
    desk.telemetry.append(batch, {})
    desk.live.update(batch)
    page = desk.get("/en/operations/environment/network").text
    assert "good 100%" in page[page.index("Station st-4</a></th>") :].partition("</tr>")[0]


@pytest.mark.parametrize(("query", "shown"), [("status=quarantined", {"st-3"}), ("property=co", set()), ("zone=nowhere", set())])
def test_filters_narrow_the_table_of_stations(desk, query, shown):
    page = desk.get(f"/en/operations/environment/network?{query}").text
    assert set(re.findall(r"Station (st-\d)</a></th>", page)) == shown


def test_limits_are_told_in_units_and_say_that_they_are_starting_values(desk):
    page = desk.get("/en/operations/environment/network").text
    assert "More than 8.0℃ from what its neighbours say is suspect, more than 14.0℃ fails." in page
    assert "Starting value; learns from 2,000 residuals on" in page
    assert "4 to 16 within 25 km" in page


def test_a_finding_says_what_to_do_and_what_its_neighbours_said(desk):
    page = desk.get(f"/en/operations/environment/network/{ident(desk, 'moved')}").text
    assert "Find out where it really stands" in page
    assert "8.2℃" in page
    assert "11.0℃" in page  # the neighbour's value at the time
    assert "Readings are missing" in page  # another finding of the station
    assert page.count("<h1") == 1


def test_a_person_takes_a_finding_over_and_closes_it_once(desk):
    where = f"/en/operations/environment/network/{ident(desk, 'gaps')}"
    page = desk.get(where).text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    form = {"csrf": token[1], "note": "battery changed"}
    taken = desk.ask("POST", f"{where}/settle", data=form | {"state": "acknowledged"})
    assert (taken.status_code, taken.headers["location"]) == (303, f"{where}?told=acknowledged")
    assert "battery changed" in desk.get(where).text
    assert desk.ask("POST", f"{where}/settle", data=form | {"state": "closed"}).headers["location"].endswith("told=closed")
    assert desk.ask("POST", f"{where}/settle", data=form | {"state": "closed"}).headers["location"].endswith("told=before")
    assert 'name="state"' not in desk.get(where).text


def test_who_may_not_manage_devices_has_no_buttons_and_cannot_settle(desk):
    where = f"/en/operations/environment/network/{ident(desk, 'gaps')}"
    assert 'name="state"' not in desk.get(where, STAFF).text
    assert desk.ask("POST", f"{where}/settle", STAFF, data={"state": "closed"}).status_code == 403


@pytest.mark.parametrize("data", [{"state": "closed"}, {"csrf": "no", "state": "closed"}])
def test_a_form_of_another_site_settles_nothing(desk, data):
    where = f"/en/operations/environment/network/{ident(desk, 'gaps')}/settle"
    assert desk.ask("POST", where, data=data).status_code in {400, 403}


def test_a_finding_that_is_not_there_is_not_found(desk):
    assert desk.get("/en/operations/environment/network/gaps-nobody").status_code == 404
    assert desk.get("/en/operations/environment/rules/nothing").status_code == 404
    assert desk.get("/en/operations/environment/rules/cai?on=yesterday").status_code == 422


def test_findings_leave_as_csv(desk):
    answer = desk.get("/ko/operations/environment/network/export.csv", STAFF)
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["kind"] for row in rows} == {"gaps", "unit_mixed", "moved"}
    assert all(row["says"] and row["name_ko"].startswith("측정소") for row in rows)


def test_findings_by_the_api_are_for_staff_and_settle_once(desk):
    api = "/api/v1/environment/findings"
    assert desk.get(api, CITIZEN).status_code == 401
    found = desk.get(f"{api}?state=open&limit=2", STAFF).json()
    assert len(found["items"]) == 2
    assert len(desk.get(f"{api}?state=open&after={found['next']}", STAFF).json()["items"]) == 1
    one = f"{api}/{ident(desk, 'gaps')}"
    assert desk.get(one, STAFF).json()["evidence"]["came"] == 1000
    assert desk.ask("POST", f"{one}/settle", STAFF, json={"state": "closed"}).status_code == 403
    assert desk.ask("POST", f"{one}/settle", json={"state": "closed", "note": "ok"}).json()["state"] == "closed"
    again = desk.ask("POST", f"{one}/settle", json={"state": "closed"})
    assert (again.status_code, again.json()["code"]) == (409, "finding.closed")
    assert desk.get(f"{api}/nobody").json()["code"] == "finding.unknown"
    assert desk.get(f"{api}?stat=open").json()["code"] == "query.unknown"


def test_verdicts_by_the_api_name_the_check_and_the_neighbours(desk):
    api = "/api/v1/environment/verdicts"
    assert desk.get(f"{api}?asset=st-1", CITIZEN).status_code == 401
    (one,) = desk.get(f"{api}?asset=st-1", STAFF).json()["items"]
    assert (one["check"], one["flag"], one["statistic"], one["detail"]["neighbours"]) == ("unlike_neighbours", 4, 8.25, ["st-2"])
    assert desk.get(f"{api}?asset=st-1&property=co", STAFF).json()["items"] == []
    assert desk.get(f"{api}?asset=st-1&end=2026-11-20T00:00:00Z", STAFF).json()["items"] == []
    assert desk.get(api, STAFF).status_code == 422


def test_indices_are_public_for_live_public_stations_only(desk):
    rows = [{"asset": asset, "name": "cai", "at": NOW, "result": {"index": 50}} for asset in ("st-1", "st-3", CITY.id)]
    with desk.records.begin() as connection:
        connection.execute(insert(environment_indices), rows)
    api = "/api/v1/environment/indices"
    assert [one["asset"] for one in desk.get(f"{api}?name=cai", CITIZEN).json()["items"]] == ["st-1"]
    assert [one["asset"] for one in desk.get(api, STAFF).json()["items"]] == ["st-1", "st-3"]
    assert desk.get(f"{api}?asset=st-3", CITIZEN).json()["code"] == "asset.unknown"
    assert desk.get(f"{api}?name=rtwqi", CITIZEN).json()["items"] == []


def test_rules_are_public_dated_and_kept_by_etag(desk):
    api = "/api/v1/environment/rules"
    packs = desk.get(api, CITIZEN).json()["items"]
    assert {"cai", "quality", "network"} <= {one["id"] for one in packs}
    answer = desk.get(f"{api}/cai", CITIZEN)
    assert (answer.json()["own"], answer.json()["on"]) == (False, "2026-11-24")
    assert all(row["source"] and row["mark"] for rows in answer.json()["tables"].values() for row in rows)
    again = desk.get(f"{api}/cai", CITIZEN, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert desk.get(f"{api}/cai?on=2001-01-01", CITIZEN).json()["tables"]["grades"] == []
    assert desk.get(f"{api}/nothing", CITIZEN).json()["code"] == "rules.unknown"
    assert desk.get(f"{api}/cai?on=soon", CITIZEN).status_code == 422
