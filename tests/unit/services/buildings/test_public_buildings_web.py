"""Pages and API of the look-up and the portfolio: who sees what, what is kept back everywhere, what wrong input is answered."""

from __future__ import annotations

import csv
import io
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from buildings_house import NOW, PASSWORD, add_building, add_months, house_in

from dure.core.observations import Flag
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records.audit import By
from dure.spine.live import LiveValue
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

API = "/api/v1/buildings"
SECRET, SECRET_NAME = "elders-home", "느티나무경로당"
EVERYWHERE = (
    "/ko/buildings", "/en/buildings?words=zelkova", f"/ko/buildings?words={SECRET_NAME}", "/ko/buildings/map.json",
    "/ko/buildings/data", "/ko/buildings/hall", f"{API}/public", f"{API}/public?words=zelkova", f"{API}/public/hall",
    f"{API}/public-groups?year=2025", f"{API}/public-data.csv?year=2025", f"{API}/public-data.csv?year=2025&grain=month",
    f"{API}/public-data.json?year=2025", f"{API}/public-data.json?year=2025&grain=month",
    f"{API}/public-data.geojson?year=2025",
)  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    house = house_in(tmp_path_factory.mktemp("buildings-web"))
    add_building(house, "hall", Text("=시청 <본관>", "City hall"), ("electricity", "city_gas"), use="office", area_m2="4000")
    add_months(house, "hall", "2024-01", "2026-10", 20_000_000)
    add_months(house, "hall", "2024-01", "2026-10", 40_000_000, "city_gas")
    for number in range(8):
        key = f"library-{number}"
        add_building(house, key, Text(f"{number}번 도서관", f"Library {number}"))
        add_months(house, key, "2024-11", "2026-10", 9_000_000 + 500_000 * number)
    add_building(house, SECRET, Text(SECRET_NAME, "Zelkova elders' home"), people="6", use="welfare")
    add_months(house, SECRET, "2024-01", "2026-10", 777_123)
    add_building(house, "new", Text("새 청사", "New office"))
    house.directory.refresh()
    for role in ("operator", "citizen"):
        house.people.add(role, role, PASSWORD, [role], By("test", NOW))
    app = create_app(house)
    yield {"nobody": Visitor(app), "house": house, "app": app} | {
        role: Visitor(app, house.people.sign_in(role, PASSWORD, NOW).token) for role in ("operator", "citizen")
    }
    house.telemetry.close()
    house.records.close()


@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_building_that_is_kept_back_is_nowhere_for_the_public(city, path):
    answer = city["nobody"].get(path)
    assert answer.status_code == 200
    told = answer.text.replace(f'value="{SECRET_NAME}"', "").replace("zelkova", "").replace(path, "")
    for word in (SECRET, "Zelkova", "777123", "777.123", "9325"):
        assert word not in told
    assert SECRET_NAME not in told.replace(f"words={SECRET_NAME}", "")


def test_its_page_says_why_without_any_figure_and_the_api_refuses_it(city):
    page = city["nobody"].get(f"/ko/buildings/{SECRET}")
    assert page.status_code == 200
    assert "왜 숫자가 없나요" in page.text
    assert "kWh" not in page.text
    refused = city["nobody"].get(f"{API}/public/{SECRET}")
    assert (refused.status_code, refused.json()["code"]) == (404, "buildings.kept_back")


def test_staff_see_it_in_the_portfolio(city):
    page = city["operator"].get(f"/ko/operations/buildings/sites/{SECRET}")
    assert page.status_code == 200
    assert "시민에게는 묶어서만 보입니다" in page.text


@pytest.mark.parametrize("path", ["/ko/buildings/nowhere", "/en/buildings/nowhere"])
def test_a_building_that_is_not_registered_is_not_found(city, path):
    assert city["nobody"].get(path).status_code == 404
    assert city["nobody"].get(f"{API}/public/nowhere").json()["code"] == "buildings.unknown"


@pytest.mark.parametrize("path", ["/operations/buildings", "/operations/buildings/sites/hall", "/operations/buildings/map.json"])
@pytest.mark.parametrize(("who", "status"), [("nobody", 303), ("citizen", 403), ("operator", 200)])
def test_only_staff_see_the_portfolio(city, path, who, status):
    assert city[who].get(f"/ko{path}").status_code == status


def test_lists_of_all_assets_lead_to_the_page_of_a_building(city):
    answer = city["nobody"].get("/en/buildings/stations/hall")
    assert (answer.status_code, answer.headers["location"]) == (308, "/en/buildings/hall")


def test_a_page_tells_use_change_grade_and_where_it_comes_from(city):
    page = city["nobody"].get("/en/buildings/hall").text
    assert "It used 373.3" in page
    assert "About the same as the year before (+0.0%)" in page
    assert "Grade C" in page
    assert "government target of 103.7" in page or "government target of 83.8" in page
    assert "All measured" in page
    assert "&lt;본관&gt;" in city["nobody"].get("/ko/buildings/hall").text


def test_peers_are_told_in_a_sentence(city):
    assert (
        "That is a lot: of 7 similar buildings (Libraries), 7 use less per m²."
        in city["nobody"].get("/en/buildings/library-7").text
    )
    assert "적게 쓰는 편입니다" in city["nobody"].get("/ko/buildings/library-0").text


def test_a_building_without_readings_says_so(city):
    page = city["nobody"].get("/ko/buildings/new").text
    assert "아직 알려진 사용량이 없습니다" in page
    assert "Traceback" not in page


def test_the_list_is_searched_sorted_and_paged_by_the_api(city):
    first = city["nobody"].get(f"{API}/public?words=도서관&sort=eui&limit=3").json()
    assert [one["id"] for one in first["items"]] == ["library-7", "library-6", "library-5"]
    assert (first["total"], first["next"]) == (8, "3")
    second = city["nobody"].get(f"{API}/public?words=도서관&sort=eui&limit=3&after=3").json()
    assert [one["id"] for one in second["items"]] == ["library-4", "library-3", "library-2"]


@pytest.mark.parametrize(
    "query",
    ["sort=magic", "limit=0", "limit=1001", "after=-1", "after=x", "year=2025", f"words={'x' * 81}", "words=%00", "colour=red"],
)
def test_a_wrong_question_is_refused(city, query):
    assert city["nobody"].get(f"{API}/public?{query}").status_code == 422


@pytest.mark.parametrize("query", ["", "year=25", "year=2025&grain=day", "year=abcd", "year=2025&x=1"])
@pytest.mark.parametrize("end", ["csv", "json"])
def test_a_wrong_year_or_grain_is_refused(city, query, end):
    assert city["nobody"].get(f"{API}/public-data.{end}?{query}").status_code == 422


def test_the_page_answers_odd_addresses(city):
    for query in ("sort=magic", "after=-1", "after=99999999999", "words=%00", "zone=x&use=y", f"words={'가' * 300}"):
        assert city["nobody"].get(f"/ko/buildings?{query}").status_code == 200


def test_a_year_as_csv_has_its_columns_and_no_formula(city):
    answer = city["nobody"].get(f"{API}/public-data.csv?year=2025&bom=true")
    assert answer.text.startswith("\ufeff")
    rows = {row["building"]: row for row in csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))}
    assert set(rows) == {"hall", *(f"library-{n}" for n in range(8))}
    hall = rows["hall"]
    assert hall["name_ko"] == "'=시청 <본관>"
    assert (hall["energy_kwh"], hall["electricity_kwh"], hall["city_gas_kwh"]) == ("373333.332", "240000", "133333.332")
    assert (hall["whole"], hall["months_known"], hall["measured"], hall["lpg_kwh"]) == ("true", "12", "1", "")


def test_months_and_places_say_the_same(city):
    months = city["nobody"].get(f"{API}/public-data.json?year=2025&grain=month").json()
    hall = [row for row in months["rows"] if row["building"] == "hall"]
    assert sum(row["energy_kwh"] for row in hall) == pytest.approx(373_333.332, abs=0.01)
    assert months["licence"]["url"].startswith("https://")
    places = city["nobody"].get(f"{API}/public-data.geojson?year=2025")
    assert places.headers["content-type"].startswith("application/geo+json")
    assert {one["id"] for one in places.json()["features"]} == {"hall", *(f"library-{n}" for n in range(8))}


def test_who_has_the_data_already_is_told_so(city):
    first = city["nobody"].get(f"{API}/public-data.json?year=2025")
    again = city["nobody"].ask("GET", f"{API}/public-data.json?year=2025", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_totals_are_of_published_buildings_only(city):
    told = city["nobody"].get(f"{API}/public-groups?year=2025").json()
    assert (told["kept_back_n"], told["unspoken_n"], told["groups"]) == (1, 1, [])
    libraries = sum(12 * (9_000 + 500 * n) for n in range(8))
    assert told["total"]["energy_kwh"] == pytest.approx(373_333.332 + libraries, abs=0.01)


def test_the_map_says_what_the_list_says(city):
    found = city["nobody"].get("/ko/buildings/map.json?use=library").json()["features"]
    assert {one["id"] for one in found} == {"new", *(f"library-{n}" for n in range(8))}
    assert all(one["properties"]["href"].startswith("/ko/buildings/") for one in found)


def test_staff_are_told_of_silent_meters_and_late_months(city):
    house = city["house"]
    add_building(house, "late", Text("늦은 도서관", "Late library"))
    add_months(house, "late", "2025-01", "2026-06", 5_000_000)
    long_ago = to_us(NOW - timedelta(days=3))
    house.live.load([LiveValue("late-electricity", "electricity_use", long_ago, long_ago, 5.0, Flag.GOOD, 0)])
    house.directory.generation += 1  # as the house does when somebody adds an asset
    page = city["operator"].get("/ko/operations/buildings").text
    assert "2026년 6월 뒤로 없음" in page
    assert "소식 없음" in page
    assert "/ko/operations/buildings/meters/late-electricity" in page


def test_new_months_are_shown_when_the_look_up_is_renewed(city):
    house = city["house"]
    before = city["nobody"].get(f"{API}/public/library-0").json()["newest"]["energy_kwh"]
    house.clock.advance(timedelta(minutes=5))
    add_months(house, "library-0", "2026-10", "2026-10", 19_000_000)
    city["operator"].get("/ko/operations/buildings")  # staff ask for what is known now
    after = city["nobody"].get(f"{API}/public/library-0").json()["newest"]["energy_kwh"]
    assert after == pytest.approx(before + 10_000)


def test_answers_fit_their_own_schema(city):
    schema = city["nobody"].get("/api/v1/openapi.json").json()["paths"]
    assert {path for path in schema if "/buildings/public" in path} == {
        f"{API}/public", f"{API}/public/{{building}}", f"{API}/public-groups", f"{API}/public-data.csv",
        f"{API}/public-data.json", f"{API}/public-data.geojson",
    }  # fmt: skip
    one = city["nobody"].get(f"{API}/public/hall").json()
    wanted = schema[f"{API}/public/{{building}}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(wanted["required"]) <= set(one)
    assert json.dumps(one)


def test_every_other_way_to_readings_and_months_asks_who_one_is(city):
    schema = city["nobody"].get("/api/v1/openapi.json").json()["paths"]
    open_ways = {
        f"{method.upper()} {path}"
        for path, ways in schema.items()
        for method, way in ways.items()
        if path.startswith(API) and "401" not in way["responses"]
    }
    assert all(way.startswith(f"GET {API}/public") for way in open_ways), open_ways
    for path in (f"{API}/buildings/{SECRET}/months", f"{API}/meters/{SECRET}-electricity/months", f"{API}/findings"):
        assert city["nobody"].get(path).status_code in (401, 404)


def test_the_series_of_a_meter_are_no_public_observations(city):
    meter = f"{SECRET}-electricity"
    assert city["nobody"].get(f"/api/v1/assets/{meter}").status_code == 404
    assert meter not in city["nobody"].get("/api/v1/assets?kind=meter").text
    assert city["nobody"].get(f"/api/v1/observations?asset={meter}&property=electricity_use").status_code in (404, 422)
