"""Pages of sizing studies and backtests: the form asks, bad sizes are told beside it, and the answer is shown."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from forecast_house import NOW, SITE, forecast_house

from dure.engines.records.audit import By
from dure.services.charging.sizing import study_records
from dure.services.charging.sizing.model import Answer, Asked, Point
from dure.services.charging.sizing.study_desk import ask
from dure.web.app import create_app

sys.path.insert(0, str(Path(__file__).parents[1] / "environment"))
from web_visitor import Visitor  # the visitor of the environment's tests is ours too

PASSWORD = "a rather long one 42"
ASKED = Asked(
    site=SITE, source="scenario", solar_kw=(20.0,), storage_kwh=(0.0, 50.0), contract_kw=(60.0,), scenario="workplace", cars=4
)


def point(storage_kwh: float) -> Point:
    return Point(
        solar_kw=20.0, storage_kwh=storage_kwh, contract_kw=60.0, foresight_won=1e6, plan_won=1.2e6, edf_won=2e6, built_won=5e5,
        peak_kw=12.0, unmet_fraction=0.0, breaches=0, sun_share=0.7,
    )  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    house = forecast_house(tmp_path_factory.mktemp("study-web"))
    made = ask(house, "First", ASKED, By("test", NOW))
    with house.records.begin() as connection:
        found = Answer(points=(point(0.0), point(50.0)), days_n=7, stays_n=30, energy_kwh=300.0, notes=("made_sun",))
        study_records.finish(connection, made.id, found, NOW)
    house.people.add("operator", "operator", PASSWORD, ["operator"], By("test", NOW))
    visitor = Visitor(create_app(house), house.people.sign_in("operator", PASSWORD, NOW).token)
    yield {"visitor": visitor, "study": made.id}
    house.telemetry.close()
    house.records.close()


@pytest.mark.parametrize(("language", "words"), [("en", "days of sessions. Until then"), ("ko", "일 쌓이면 시험합니다")])
def test_the_list_shows_studies_and_the_forecast_of_each_site(city, language, words):
    page = city["visitor"].get(f"/{language}/operations/charging/studies")
    assert page.status_code == 200
    assert "First" in page.text
    assert words in page.text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_answer_shows_what_is_possible_beside_what_is_reached(city, language):
    page = city["visitor"].get(f"/{language}/operations/charging/studies/{city['study']}")
    assert page.status_code == 200
    assert "1,700,000" in page.text  # 1.2 million of operation and half a million of equipment
    assert "<svg" in page.text


def test_the_api_tells_the_same(city):
    told = city["visitor"].get(f"/api/v1/charging/studies/{city['study']}").json()
    assert [one["reached_won"] for one in told["answer"]["points"]] == [1_700_000, 1_700_000]
    assert city["visitor"].get("/api/v1/charging/studies/none").json()["code"] == "charging.study_unknown"
    assert city["visitor"].get(f"/api/v1/charging/backtests/{SITE}").json()["items"] == []
