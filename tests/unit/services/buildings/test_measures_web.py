"""Pages and API of measures, models and weather: who sees what, from a preview to a saving, and what wrong input is answered."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import AssetKinds
from dure.core.properties import Properties
from dure.core.time import day_interval
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.buildings.baselines.refit_watch import RefitWatch
from dure.services.buildings.model import KINDS, PROPERTIES
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.service import BuildingsService
from dure.services.environment.model import PROPERTIES as ENVIRONMENT
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[3] / "contracts" / "records"))
sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from savings_world import BEGINS, FIRST, FROZEN_ON, SEOUL, TODAY, billed, hours, lived, months, registered, use_of
from web_visitor import Visitor

TESTS = Path(__file__).parents[3]
API = "/api/v1/buildings"
PAGES = "/operations/buildings"
PASSWORD = "a rather long one 42"
NEW = {
    "building": "school",
    "name_ko": "조명 교체",
    "name_en": "New lighting",
    "work": "led",
    "meters": ["power"],
    "begins_on": BEGINS.isoformat(),
    "baseline_start": FIRST.isoformat(),
    "baseline_end": (FIRST + timedelta(days=365)).isoformat(),
    "kind": "daily",
}


def on(city, day: date) -> None:
    """Another day: sessions of people are by the same clock."""
    house = city["house"]
    house.clock = FixedClock(noon(day))
    city["operator"].cookies["dure_session"] = house.people.sign_in("operator", PASSWORD, noon(day)).token


def noon(day: date):
    return day_interval(day, SEOUL).start + timedelta(hours=12)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measures-web")
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    registered(records, meters=("power", "gas"))
    clock = FixedClock(noon(FROZEN_ON))
    people = People(records, clock)
    telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    hwaseong = read_city(TESTS.parent / "examples" / "hwaseong")
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": hwaseong, "clock": clock, "kinds": AssetKinds(KINDS),
        "properties": Properties([*PROPERTIES, *ENVIRONMENT]), "records": records, "telemetry": telemetry, "people": people,
        "live": Live(), "directory": Directory(records, hwaseong.id), "services": (BuildingsService(),),
    }  # fmt: skip
    house = House(**parts)
    house.directory.refresh()
    lived(house, saved=0.2)
    months_kept(records)
    billed(records, "gas", [(first, end, 2_000_000 + 10_000 * first.month, None) for first, end in months(date(2024, 11, 1), 11)])
    for role in ("operator", "citizen"):
        people.add(role, role, PASSWORD, [role], By("test", clock.now()))
    app = create_app(house)
    found = {"nobody": Visitor(app), "house": house}
    found |= {role: Visitor(app, people.sign_in(role, PASSWORD, clock.now()).token) for role in ("operator", "citizen")}
    asyncio.run(RefitWatch(house).look())
    yield found
    telemetry.close()
    records.close()


def months_kept(records: Records) -> None:
    rows = [
        MonthUse(
            meter="power", month=f"{first:%Y-%m}", known_at=noon(end), building="school", fuel="electricity", part="main",
            book="Wh", amount=20_000_000 - 1_000_000 * (first.year - 2024), measured=20_000_000,
        )
        for first, end in months(date(2024, 11, 1), 12)
    ]  # fmt: skip
    with records.begin() as connection:
        month_records.put(connection, rows)


def test_a_measure_goes_from_its_preview_to_its_saving(city):
    operator = city["operator"]
    seen = operator.post(f"{API}/measures/preview", NEW).json()["items"][0]
    assert seen["baseline"]["kind"] == "daily"
    assert 0 < seen["shows_from"] < 0.2
    made = operator.post(f"{API}/measures", NEW)
    assert made.status_code == 201, made.text
    measure = made.json()["id"]
    assert operator.post(f"{API}/measures", NEW).json()["code"] == "measure.overlaps"
    assert operator.get(f"{API}/measures?building=school").json()["items"][0]["id"] == measure
    assert operator.get(f"{API}/measures/{measure}/saving").json()["code"] == "measure.span"
    on(city, date(2026, 3, 10))
    told = operator.get(f"{API}/measures/{measure}/saving?until=2026-03-01").json()
    assert told["verdict"] == "saving"
    assert told["energy_wh"]["low"] < told["energy_wh"]["value"] < told["energy_wh"]["high"]
    assert told["normal"]["code"] == "too_short"
    assert operator.get(f"{API}/measures/{measure}/savings").json()["items"] == []
    page = operator.get(f"/en{PAGES}/measures/{measure}").text
    assert "Used and expected" in page
    assert "chart-band" in page
    assert "Guideline 14" in page
    assert "조명 교체" in operator.get(f"/ko{PAGES}/measures").text
    on(city, TODAY)
    told = operator.get(f"{API}/measures/{measure}/saving?until=2026-11-15").json()
    normal = told["normal"]["saving_wh"]
    assert normal["low"] < 0.2 * told["normal"]["before_wh"] < normal["high"]
    ended = operator.post(f"{API}/measures/{measure}/end", {"on": "2026-10-01", "why": "철거"})
    assert ended.json()["state"] == "ended"
    assert operator.post(f"{API}/measures/{measure}/withdraw", {"why": ""}).status_code == 200
    on(city, FROZEN_ON)


def test_a_form_shows_what_would_be_frozen_and_freezes_it(city):
    operator = city["operator"]
    page = f"/en{PAGES}/measures/new?building=school"
    assert "power" in operator.get(page).text
    fields = {name: value for name, value in NEW.items() if name != "meters"} | {"work": "controls"}
    looked = operator.form(page, f"/en{PAGES}/measures/new", **fields, meters="power", do="look")
    assert looked.status_code == 200
    assert "Smallest saving a year could show" in looked.text
    wrong = operator.form(
        page, f"/en{PAGES}/measures/new", **fields | {"baseline_start": "2025-03-01"}, meters="power", do="look"
    )
    assert (wrong.status_code, "has not seen a whole year" in wrong.text) == (422, True)
    nothing = operator.form(page, f"/en{PAGES}/measures/new", **fields, do="freeze")
    assert (nothing.status_code, "at least one meter" in nothing.text) == (422, True)
    undated = operator.form(page, f"/en{PAGES}/measures/new", **fields | {"begins_on": "soon"}, meters="power", do="freeze")
    assert undated.status_code == 422
    frozen = operator.form(page, f"/en{PAGES}/measures/new", **fields, meters="power", do="freeze")
    assert frozen.status_code == 303
    there = frozen.headers["location"]
    shown = operator.get(there.split("?")[0])
    assert "A preview appears a day after it begins." in shown.text
    bad = operator.form(there.split("?")[0], there.split("?")[0], do="end", on="")
    assert bad.status_code == 422
    gone = operator.form(there.split("?")[0], there.split("?")[0], do="withdraw", why="not done")
    assert gone.status_code == 303


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("citizen", 403), ("operator", 200)])
def test_who_may_see_measures(city, who, status):
    assert city[who].get(f"{API}/measures").status_code == status


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("measures/nobody", "measure.unknown"),
        ("meters/nobody/models", "meter.unknown"),
        ("meters/power/models/billing", "model.none"),
        ("meters/power/expected?start=2026-01-01&end=2025-01-01", "model.span"),
        ("meters/power/expected?start=2026-13-01&end=2026-01-01", "time.unreadable"),
        ("meters/power/expected?start=2015-01-01&end=2015-02-01", "weather.none"),
        ("nobody/weather?start=2025-01-01&end=2025-02-01", "buildings.unknown"),
        ("bridge?before=2025-05..2025-01&after=2025-01..2025-02", "bridge.period"),
        ("bridge?before=2025-01..2025-01&after=2025-01..2025-02", "bridge.period"),
        ("bridge?before=2001-01..2001-02&after=2001-03..2001-04", "bridge.empty"),
        ("bridge?before=0000-01..9999-12&after=2001-03..2001-04", "bridge.period"),
    ],
)
def test_what_cannot_be_told_is_refused_with_its_code(city, path, code):
    found = city["operator"].get(f"{API}/{path}")
    assert found.json()["code"] == code
    assert found.status_code in (404, 422)


def test_a_meter_has_its_models_what_they_expect_and_a_normal_year(city):
    operator = city["operator"]
    judged = operator.get(f"{API}/meters/power/models").json()["items"]
    assert [(one["kind"], one["within"], one["short"]) for one in judged] == [("hourly", True, False), ("daily", True, False)]
    assert operator.get(f"{API}/meters/power/models/daily").json()["model"]["kind"] == "daily"
    told = operator.get(f"{API}/meters/power/expected?start=2025-01-01&end=2025-02-01").json()
    assert len(told["days"]) == 31
    assert all(abs(one["expected"] / one["measured"] - 1) < 0.3 for one in told["days"])
    normal = operator.get(f"{API}/meters/power/normal-year").json()
    assert normal["use"] > 0
    page = operator.get(f"/en{PAGES}/meters/power/model").text
    assert "chart-dot" in page
    assert "Within the limits" in page
    assert "고지서 모형" in operator.get(f"/ko{PAGES}/meters/gas/model").text


def test_the_weather_of_a_building_is_told_with_its_station_and_degree_days(city):
    told = city["operator"].get(f"{API}/school/weather?start=2025-01-01&end=2025-03-01").json()
    assert told["sources"][0]["asset"] == "aws-7"
    assert [one["month"] for one in told["months"]] == ["2025-01", "2025-02"]
    assert told["months"][0]["heating"] > 300
    assert told["months"][0]["cooling"] == 0


def test_a_bridge_sums_to_the_change_within_a_gram(city):
    on(city, TODAY)
    told = city["operator"].get(f"{API}/bridge?before=2024-11..2025-01&after=2025-02..2025-04&building=school").json()
    total = told["total"]
    effects = sum(total[name] for name in ("activity_g", "factor_g", "weather_g", "area_g"))
    assert effects == total["after_g"] - total["before_g"]
    assert told["weather"]["power"][0] != 1.0
    assert told["buildings"]["school"] == total
    on(city, FROZEN_ON)


def test_a_file_of_weather_is_looked_at_and_every_bad_row_is_named(city):
    rows = ("2025-01-01 01:00,-3.1", "2025-01-01 02:00,nass", "어제,1", "2025-01-01 01:00,-3.1", "2025-01-01 03:00,90")
    text = "\n119,".join(("지점,일시,기온(°C)", *rows))
    found = city["operator"].ask("POST", f"{API}/weather?station=aws-7&dry_run=true", content=text.encode("cp949"))
    told = found.json()
    assert (told["rows"], told["kept"]) == (1, False)
    assert [(one["row"], one["code"]) for one in told["rejected"]] == [
        (3, "weather.value"),
        (4, "weather.time"),
        (5, "weather.twice"),
        (6, "weather.value"),
    ]


@pytest.mark.parametrize(
    ("body", "query", "code"),
    [
        (b"a,b\n1,2\n", "station=aws-7", "weather.columns"),
        ("일시,기온\n".encode(), "station=aws-7", "weather.empty"),
        ("일시,기온\n2031-01-01 00:00,1\n".encode(), "station=aws-7", "weather.ahead"),
        ("일시,기온\n2025-01-01 00:00,1\n".encode(), "station=nobody", "asset.unknown"),
        ("일시,기온\n2025-01-01 00:00,1\n".encode(), "station=power", "weather.unplaced"),
        (b"", "station=aws-7", "weather.columns"),
    ],
)
def test_a_file_of_weather_that_cannot_be_used_is_refused(city, body, query, code):
    found = city["operator"].ask("POST", f"{API}/weather?{query}", content=body)
    assert found.json()["code"] == code


def test_the_world_is_the_same_every_time():
    at_us = hours(FIRST, FIRST + timedelta(days=2))
    assert (use_of(at_us, at_us * 0.0) == use_of(at_us, at_us * 0.0)).all()


def test_the_page_of_the_bridge_shows_the_steps_and_says_what_cannot_be_compared(city):
    ask = f"/en{PAGES}/bridge?before_first=2024-11&before_last=2025-01&after_first=2025-02&after_last=2025-04"
    page = city["operator"].get(ask)
    assert page.status_code == 200
    assert "From before to after, step by step" in page.text
    wrong = city["operator"].get(
        f"/ko{PAGES}/bridge?before_first=2024-11&before_last=2025-01&after_first=2025-02&after_last=2025-03"
    )
    assert (wrong.status_code, "이 기간은 견줄 수 없습니다" in wrong.text) == (422, True)
    assert "달 수가 같고" in wrong.text
    assert city["operator"].get(f"/en{PAGES}/bridge").status_code == 200
