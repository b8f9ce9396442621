"""Pages and open data of charging sites: who sees what, what a meter that is silent means, what wrong input is answered."""

from __future__ import annotations

import csv
import io
import re
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from face_city import NOW, PASSWORD, house_in, registers, tell

from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.charging.rules import load_pack
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

API = "/api/v1/charging"
MIDNIGHT = NOW - timedelta(hours=12, minutes=7)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    house = house_in(tmp_path_factory.mktemp("charging-web"))
    tell(house, "hall-e1", "evse_power", 6_000)
    tell(house, "hall-pv", "solar_power", 4_000)
    tell(house, "hall-ess", "storage_power", -1_000)
    tell(house, "hall-ess", "storage_soc", 0.42)
    tell(house, "hall-grid", "grid_power", 1_000)
    registers(house, "hall-grid", "grid_import_register", MIDNIGHT, [1_000.0 * n for n in range(48)])
    registers(house, "hall-e1", "evse_register", MIDNIGHT, [1_500.0 * n for n in range(48)])
    registers(house, "hall-pv", "solar_register", MIDNIGHT, [500.0 * n for n in range(48)])
    for role in ("operator", "citizen"):
        house.people.add(role, role, PASSWORD, [role], By("test", NOW))
    app = create_app(house)
    yield {"nobody": Visitor(app), "house": house} | {
        role: Visitor(app, house.people.sign_in(role, PASSWORD, NOW).token) for role in ("operator", "citizen")
    }
    house.telemetry.close()
    house.records.close()


@pytest.mark.parametrize("path", ["/charging/sites/nowhere", "/charging/evse/nowhere", "/charging/stations/nowhere"])
def test_a_site_that_is_not_registered_is_not_found(city, path):
    assert city["nobody"].get(f"/en{path}").status_code == 404


def test_the_api_says_with_a_code_that_a_site_is_unknown(city):
    refused = city["nobody"].get(f"{API}/sites/nowhere")
    assert (refused.status_code, refused.json()["code"]) == (404, "charging.unknown")


@pytest.mark.parametrize("path", ["/sites?wordz=hall", "/sites.csv?sort=name", "/sites.geojson?x=1"])
def test_a_misspelt_filter_is_refused(city, path):
    refused = city["nobody"].get(f"{API}{path}")
    assert (refused.status_code, refused.json()["code"]) == (422, "query.unknown")


@pytest.mark.parametrize("asked", ["?words=zzz", "?connector=zzz", "?power=zzz", "?free=maybe", "?words=%00"])
def test_a_strange_question_on_the_page_is_answered(city, asked):
    assert city["nobody"].get(f"/ko/charging{asked}").status_code == 200


@pytest.mark.parametrize("path", ["", "/sites/hall", "/sites/hub", "/evse/hall-e1", "/map.json"])
@pytest.mark.parametrize("language", ["ko", "en"])
def test_everybody_sees_the_public_pages(city, language, path):
    assert city["nobody"].get(f"/{language}/charging{path}").status_code == 200


@pytest.mark.parametrize("path", ["/sites", "/sites/hall", "/sites/hall?span=today", "/sites/hall?span=month", "/labels"])
@pytest.mark.parametrize(("who", "status"), [("nobody", 303), ("citizen", 403), ("operator", 200)])
def test_only_staff_see_the_energy_of_sites(city, path, who, status):
    assert city[who].get(f"/ko/operations/charging{path}").status_code == status


def test_names_that_look_like_markup_or_formulas_do_no_harm(city):
    assert "&lt;hub&gt;" in city["nobody"].get("/en/charging/sites/hub").text
    rows = list(csv.DictReader(io.StringIO(city["nobody"].get(f"{API}/sites.csv").text)))
    hub = next(row for row in rows if row["site"] == "hub")
    assert hub["name_en"] == "'=Fast <hub>"
    assert hub["operator"] == "'=2+5"


def test_the_solar_share_is_of_what_vehicles_take_now(city):
    site = city["nobody"].get(f"{API}/sites/hall").json()
    assert site["solar_share_now"] == round(5 / 6, 3)  # 4 kW sun and 1 kW stored of 6 kW
    assert {"source": "grid", "use": "ev", "kw": 1.0} in site["flows"]
    assert "Solar 83%" in city["nobody"].get("/en/charging/sites/hall").text


def test_a_place_whose_station_never_spoke_is_not_called_free(city):
    site = city["nobody"].get(f"{API}/sites/hub").json()
    assert (site["free"], site["places"][0]["state"]) == (0, "unknown")


def test_the_question_narrows_list_and_map_alike(city):
    fast = city["nobody"].get("/en/charging?power=fast")
    assert 'data-row="hub"' in fast.text
    assert 'data-row="hall"' not in fast.text
    assert [one["id"] for one in city["nobody"].get("/en/charging/map.json?power=fast").json()["features"]] == ["hub"]
    assert [one["id"] for one in city["nobody"].get(f"{API}/sites?connector=type2").json()["items"]] == ["hall"]
    assert city["nobody"].get(f"{API}/sites?power=zzz").json()["items"] == []


@pytest.mark.parametrize(
    ("asset", "to"),
    [("hall", "/sites/hall"), ("hall-pv", "/sites/hall"), ("hall-c1", "/sites/hall"), ("hall-e2", "/evse/hall-e2")],
)
def test_lists_of_all_assets_lead_to_the_page_of_their_site(city, asset, to):
    answer = city["nobody"].get(f"/en/charging/stations/{asset}")
    assert (answer.status_code, answer.headers["location"]) == (308, f"/en/charging{to}")


def test_the_energy_of_the_day_comes_from_registers(city):
    page = city["operator"].get("/en/operations/charging/sites/hall?span=today").text
    assert "Solar → Vehicles 23.5" in page  # 47 quarters of 0.5 kWh, all of it to the vehicle
    assert "Grid → Vehicles 47.0" in page


@pytest.mark.parametrize(("site", "span"), [("hall", "now"), ("hub", "today")])
def test_a_site_where_little_flows_shows_its_day_unasked(city, site, span):
    page = city["operator"].get(f"/en/operations/charging/sites/{site}").text
    assert f'?span={span}" aria-current="true"' in page


def test_meters_are_told_by_their_names_with_the_id_beside(city):
    page = city["operator"].get("/en/operations/charging/sites/hall").text
    names = {"hall-pv": "Hall solar", "hall-ess": "Hall storage", "hall-grid": "Hall grid meter", "hall-e1": "Hall 1"}
    for asset, name in names.items():
        assert f'{name}<br><code class="small soft">{asset}</code>' in page


def test_from_the_energy_of_a_site_a_person_gets_to_its_plan_its_books_and_its_public_page(city):
    page = city["operator"].get("/en/operations/charging/sites/hall").text
    for path in ("/operations/charging/plans/hall", "/operations/charging/origin/hall", "/charging/sites/hall"):
        assert f'href="/en{path}"' in page


def test_the_labels_are_found_from_the_desk(city):
    assert 'href="/en/operations/charging/labels"' in city["operator"].get("/en/operations/charging").text


def test_a_sheet_has_a_label_of_every_place_with_its_address(city):
    page = city["operator"].get("/ko/operations/charging/labels?site=hall").text
    assert page.count('class="sticker"') == 2
    assert "<code>hall-e2</code>" in page
    assert "hub-e1" not in page


def test_geojson_and_ngsi_ld_say_what_the_list_says(city):
    features = city["nobody"].get(f"{API}/sites.geojson").json()["features"]
    assert {one["id"] for one in features} == {"hall", "hub"}
    entities = {one["id"]: one for one in city["nobody"].get(f"{API}/sites.jsonld").json()}
    hub = entities["urn:ngsi-ld:EVChargingStation:hub"]
    assert hub["socketType"]["value"] == ["CCS/SAE"]
    assert hub["capacity"]["value"] == 1
    assert "status" not in hub  # nobody knows it


def test_every_row_that_was_not_traced_is_shown_as_to_be_confirmed_the_power_companys_among_them(city):
    text = city["operator"].get("/en/operations/charging/rules").text
    today = day_of(NOW, city["house"].city.zone)
    unsure = 0
    for name in ("tariffs", "prices", "place", "planning", "factors"):
        rows = [row for rows in load_pack(name).as_of(today).values() for row in rows]
        unsure += sum(row.get("mark") == "to be confirmed" for row in rows)
    shown = re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", text, re.DOTALL)
    marked = [row for row in shown if "To be confirmed" in row]
    assert unsure >= 10
    assert len(marked) >= unsure
    assert any("tariffs/" in row or "rates/" in row for row in marked)
