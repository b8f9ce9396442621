"""The page and the route that explain figures: who may see them, both languages, and what is said of a figure nobody knows."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from explained_city import BUILDINGS, KNOWN, METERS, NOW, explained_city

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.geo import at
from dure.core.properties import Properties
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.buildings.model import KINDS, PROPERTIES
from dure.services.buildings.service import BuildingsService
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
PASSWORD = "a rather long one 42"
API = "/api/v1/buildings/explain"
PAGE = "/operations/buildings/explain"
CARBON = "building/hall/carbon/2025-11..2026-10"


def listed():
    place = at(126.82, 37.2)
    for one in BUILDINGS.values():
        words = {"use": one.use, "area_m2": str(one.area_m2), "body": one.body}
        yield Asset(id=one.id, city=CITY.id, kind="building", name=one.name, place=place, state="live", attributes=words)
    for one in METERS.values():
        words = {"fuel": one.fuel, "part": one.part, "formula": json.dumps(dict(one.formula))}
        yield Asset(
            id=one.id, city=CITY.id, kind="meter", name=BUILDINGS[one.building].name, place=place, state="live",
            parent=one.building, attributes=words,
        )  # fmt: skip


@pytest.fixture(scope="module")
def visitors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain-web")
    city = explained_city(folder)
    with city.records.begin() as connection:
        assets.import_many(connection, list(listed()), By("test", KNOWN))
    clock = FixedClock(NOW)
    people = People(city.records, clock)
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(data_dir=str(folder)), "city": CITY, "clock": clock, "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS), "records": city.records, "telemetry": city.telemetry, "people": people, "live": Live(),
        "directory": Directory(city.records, CITY.id), "services": (BuildingsService(),),
    }  # fmt: skip
    house = House(**parts)
    house.directory.refresh()
    app = create_app(house)
    found = {"nobody": Visitor(app)}
    for role in ("citizen", "operator", "officer"):
        people.add(role, role, PASSWORD, [role], By("test", NOW))
        found[role] = Visitor(app, people.sign_in(role, PASSWORD, NOW).token)
    yield found
    city.close()


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("citizen", 403), ("operator", 200), ("officer", 200)])
def test_an_explanation_is_for_who_may_read_the_citys_data(visitors, who, status):
    assert visitors[who].get(f"{API}?figure={CARBON}").status_code == status
    page = visitors[who].get(f"/ko{PAGE}?figure={CARBON}").status_code
    assert page == status or page in (303, 307)


def test_the_route_gives_the_tree_with_the_factor_and_the_readings(visitors):
    found = visitors["officer"].get(f"{API}?figure={CARBON}").json()
    assert (found["figure"], found["agrees"], found["as_of"]) == (CARBON, True, None)
    month = found["step"]["parts"][0]["parts"][0]
    assert month["rows"][0]["source"]
    assert month["parts"][0]["readings"][0]["sha256"]
    assert found["versions"]["factors"]


def test_the_question_may_be_asked_as_of_an_instant(visitors):
    found = visitors["officer"].get(f"{API}?figure=meter/el/month/2026-05&as_of=2026-11-06T00:00:00Z").json()
    assert found["as_of"] == "2026-11-06T00:00:00Z"
    assert found["figure"].endswith("?as_of=2026-11-06T00%3A00%3A00Z")
    before = visitors["officer"].get(f"{API}?figure=meter/el/month/2026-05&as_of=2026-11-01T00:00:00Z")
    assert (before.status_code, before.json()["code"]) == (404, "figure.unknown")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("figure=nothing", 404, "figure.unknown"),
        ("figure=finding/no-such-ticket", 404, "figure.unknown"),
        ("figure=saving/no-such-measure/2026-11-01", 404, "figure.unknown"),
        ("figure=meter/el/gap/2026-05-01T00:00:00Z", 404, "figure.unknown"),
        ("", 422, "request.invalid"),
        (f"figure={CARBON}&as_of=soon", 422, "time.unreadable"),
    ],
)
def test_what_cannot_be_explained_is_refused_with_its_code(visitors, query, status, code):
    found = visitors["officer"].get(f"{API}?{query}")
    assert (found.status_code, found.json()["code"]) == (status, code), found.text


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_unfolds_a_figure_in_words_with_a_way_to_the_raw_readings(visitors, language):
    page = visitors["officer"].get(f"/{language}{PAGE}?figure={CARBON}")
    assert page.status_code == 200
    assert page.text.count("<details") > 30
    assert "/api/v1/export.csv?asset=el&amp;property=electricity_use" in page.text
    assert {"ko": "다시 계산해도 같음", "en": "Run again: the same"}[language] in page.text
    assert "kg CO2e" in page.text


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_page_says_when_a_figure_is_not_known_and_keeps_what_was_asked(visitors, language):
    page = visitors["officer"].get(f"/{language}{PAGE}?figure=building/nobody/energy/2026")
    assert page.status_code == 404
    assert 'value="building/nobody/energy/2026"' in page.text
    assert visitors["officer"].get(f"/{language}{PAGE}").status_code == 200
