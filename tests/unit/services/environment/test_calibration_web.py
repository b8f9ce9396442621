"""Pages and API of calibration: a fit from kept hours to a decision, who may, and that raw values stay as they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from fastapi import APIRouter
from web_visitor import Visitor

from dure.city import read_city
from dure.config import Settings
from dure.core.assets import Asset, AssetKinds
from dure.core.observations import Batch, Flag
from dure.core.properties import Properties
from dure.core.text import Text
from dure.core.time import from_us, to_us
from dure.engines.clock import FixedClock
from dure.engines.identity.people import People
from dure.engines.records import assets, audit
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.environment.api import calibration_api
from dure.services.environment.calibrating import calibration_records as calibrations
from dure.services.environment.calibrating.calibration import Inputs, Model, Reason, Score, model_id
from dure.services.environment.calibrating.calibration_desk import hourly_pairs
from dure.services.environment.calibrating.calibration_fit import verdict
from dure.services.environment.calibrating.calibration_rehearsal import HOUR_US, START_US, co_located
from dure.services.environment.model import KINDS, PROPERTIES
from dure.services.environment.pages import calibration_pages, calibration_words
from dure.services.environment.pages.calibration_charts import Scatter, axis_of, scatter_chart
from dure.spine.directory import Directory
from dure.spine.house import House
from dure.spine.live import Live
from dure.web.app import create_app
from dure.web.charts import nice_step
from dure.web.i18n import Speech

CITY = read_city(Path(__file__).parents[4] / "examples" / "hwaseong")
WEEKS = 6
NOW = from_us(START_US) + timedelta(weeks=WEEKS)
PASSWORD = "a rather long one 42"
API = "/api/v1/environment/calibrations"
HOME = "/ko/operations/environment/calibration"


class OnlyCalibration:
    """The service with nothing but its calibrations."""

    name = "environment"

    def properties(self):
        return PROPERTIES

    def kinds(self):
        return KINDS

    def api(self, house):
        return calibration_api.routes(house)

    def pages(self, house):
        router = APIRouter()
        router.include_router(calibration_pages.routes(house))
        return router


def batch(asset, property_id, time_us, value):
    told = np.flatnonzero(np.isfinite(value))
    n, at = len(told), time_us[told]
    ones = np.ones(n, np.uint8)
    return Batch([(asset, property_id)], np.zeros(n, np.int32), at, at, value[told], ones, 0 * ones, np.arange(n))


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """A house that has a swelling sensor beside a reference for six weeks, with one person of three roles and no bus."""
    folder = tmp_path_factory.mktemp("calibration")
    records = Records(f"sqlite:///{folder}/records.db")
    records.migrate()
    telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    one = co_located(5, WEEKS)
    for asset, property_id, value in (
        ("air-1", "pm2_5", one.raw),
        ("ref-1", "pm2_5", one.reference),
        ("air-1", "relative_humidity", one.rh),
        ("ref-1", "air_temperature", one.temperature),
    ):
        telemetry.append(batch(asset, property_id, one.time_us, value), {})
    with records.begin() as connection:
        for asset in ("air-1", "ref-1", "air-2"):
            kept = Asset(id=asset, city=CITY.id, kind="station", name=Text(f"관측소 {asset}", f"Station {asset}"), state="live")
            assets.add(connection, kept, By("test", NOW))
    people = People(records, FixedClock(NOW))
    directory = Directory(records, CITY.id)
    directory.refresh()
    parts = dict.fromkeys(House.__slots__)
    parts |= {
        "settings": Settings(),
        "city": CITY,
        "clock": FixedClock(NOW),
        "properties": Properties(PROPERTIES),
        "kinds": AssetKinds(KINDS),
        "records": records,
        "telemetry": telemetry,
        "people": people,
        "live": Live(),
        "directory": directory,
        "services": (OnlyCalibration(),),
    }
    house = House(**parts)
    tokens = {}
    for role in ("citizen", "officer", "operator"):
        people.add(role, role, PASSWORD, [role], By("test", NOW))
        tokens[role] = people.sign_in(role, PASSWORD, NOW).token
    yield house, create_app(house), tokens
    telemetry.close()
    records.close()


@pytest.fixture
def who(city):
    _, app, tokens = city
    return lambda role="": Visitor(app, tokens.get(role, ""))


_times = iter(range(1, 1_000))


@pytest.fixture
def candidate(city):
    """A candidate made by hand, valid for air-2; its id."""
    at = NOW - timedelta(days=50) + timedelta(hours=next(_times))
    model = Model(
        id=model_id(("air-2", "pm10"), "zero_span", at),
        asset="air-2",
        property="pm10",
        method="zero_span",
        parameters={"gain": 0.5, "offset": 1.0},
        valid_from=at,
        reasons=(Reason("by_hand", {"gain": 0.5, "offset": 1.0}),),
        inputs=Inputs(uncertainty=2.0),
    )
    with city[0].records.begin() as connection:
        return calibrations.add(connection, model, By("test", at)).id


def test_a_fit_beside_a_reference_goes_from_kept_hours_to_force(city, who):
    house, operator = city[0], who("operator")
    wanted = {"asset": "air-1", "reference": "ref-1", "property": "pm2_5", "start": "2026-01-01T00:00:00Z"}

    made = operator.post(API, wanted)
    assert made.status_code == 201, made.text
    model = made.json()
    active = operator.post(f"{API}/{model['id']}/activate").json()

    assert model["state"] == "candidate"
    assert model["scores"]["corrected"]["rmse"] <= 0.5 * model["scores"]["raw"]["rmse"]
    assert model["inputs"]["reference"] == "ref-1"
    assert active["state"] == "active"
    assert operator.get(f"{API}/{model['id']}").json() == active
    listed = operator.get(f"{API}?state=active&asset=air-1").json()["items"]
    assert [one["id"] for one in listed] == [model["id"]]
    assert listed[0]["inputs"]["sample"] == []
    with house.records.read() as connection:
        log = audit.listing(connection, object_id=model["id"]).items
        assert calibrations.in_force(connection, ("air-1", "pm2_5"), NOW).id == model["id"]
    assert [next(iter(entry.detail.keys() - {"calibration"})) for entry in log] == ["activated", "added"]
    kept = house.telemetry.series(("air-1", "pm2_5"), START_US, to_us(NOW))
    np.testing.assert_array_equal(kept.value, co_located(5, WEEKS).raw[np.isfinite(co_located(5, WEEKS).raw)])


def test_too_little_in_common_is_kept_as_rejected_with_the_reasons(who):
    wanted = {"asset": "air-2", "reference": "ref-1", "property": "pm2_5"}

    made = who("operator").post(API, wanted)

    assert made.status_code == 201
    assert made.json()["state"] == "rejected"
    assert {"too_few_hours", "too_few_weeks"} <= {one["code"] for one in made.json()["reasons"]}
    page = who("officer").get(HOME).text
    assert "함께 잰 시간이 0시간뿐입니다. 336시간이 필요합니다." in page


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"asset": "air-1", "reference": "air-1"}, 422, "calibration.reference"),
        ({"asset": "air-1"}, 422, "calibration.reference"),
        ({"asset": "air-1", "reference": "nowhere"}, 422, "asset.unknown"),
        ({"asset": "air-1", "reference": "ref-1", "property": "wind_speed"}, 422, "calibration.property"),
        ({"asset": "air-1", "property": "pm10", "method": "humidity_us_epa"}, 422, "calibration.method"),
        ({"asset": "Air 1", "reference": "ref-1"}, 422, "id.malformed"),
        ({"asset": "air-1", "reference": "ref-1", "start": "2020-01-01T00:00:00Z"}, 422, "query.span_too_long"),
        ({"asset": "air-1", "reference": "ref-1", "colour": "red"}, 422, "request.invalid"),
    ],
)
def test_what_cannot_be_tried_is_refused(who, wanted, status, code):
    answer = who("operator").post(API, wanted)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_published_and_a_measured_model_can_be_proposed_too(who):
    operator = who("operator")

    starting = operator.post(API, {"asset": "air-2", "method": "humidity_us_epa"}).json()
    measured = operator.post(API, {"asset": "air-2", "method": "zero_span", "gain": 0.9, "offset": -1, "sd": 2.5}).json()

    assert starting["parameters"]["gain"] == 0.524
    assert starting["reasons"][0]["code"] == "foreign_fit"
    assert (measured["parameters"], measured["inputs"]["uncertainty"]) == ({"gain": 0.9, "offset": -1.0}, 2.5)


def test_only_those_who_manage_devices_decide_and_staff_see(who, candidate):
    assert who().get(API).status_code == 401
    assert who("citizen").get(API).status_code == 403
    assert who("officer").get(f"{API}/{candidate}").status_code == 200
    assert who("officer").post(f"{API}/{candidate}/activate").status_code == 403
    assert who("officer").post(API, {"asset": "air-2", "method": "humidity_us_epa"}).status_code == 403
    assert who("officer").get(f"{API}?colour=red").json()["code"] == "query.unknown"
    assert who("officer").get(f"{API}/cal-0").json()["code"] == "calibration.unknown"


def test_a_candidate_is_put_in_force_and_ended_on_the_page(who, candidate):
    operator = who("operator")
    page = operator.get(HOME).text
    assert f"{HOME}/{candidate}/activate" in page

    begun = operator.form(HOME, f"{HOME}/{candidate}/activate")
    one = operator.get(begun.headers["location"]).text
    ended = operator.form(begun.headers["location"], f"{HOME}/{candidate}/retire")

    assert (begun.status_code, ended.status_code) == (303, 303)
    assert "적용 중" in one
    assert "끝남" in operator.get(f"{HOME}/{candidate}").text
    assert operator.form(HOME, f"{HOME}/{candidate}/retire").status_code == 409


def test_a_form_of_another_site_changes_nothing(who, candidate):
    answer = who("operator").ask("POST", f"{HOME}/{candidate}/activate", data={"csrf": "guess"})

    assert answer.status_code == 403


def test_an_officer_sees_the_list_without_any_button(who, candidate):
    page = who("officer").get(HOME).text

    assert candidate in page
    assert "<form" not in page.split("<main")[1]


def test_a_fit_can_be_asked_for_on_the_page_and_its_mistakes_are_said(who):
    operator = who("operator")

    wrong = operator.form(HOME, HOME, asset="air-2", reference="nowhere", property="pm2_5", weeks="8")
    right = operator.form(HOME, HOME, asset="ref-1", reference="air-1", property="pm2_5", weeks="8")

    assert wrong.status_code == 422
    assert "이런 관측소가 없습니다" in wrong.text
    assert 'value="air-2"' in wrong.text
    assert right.status_code == 303


@pytest.mark.usefixtures("candidate")
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_page_is_told_in_both_languages(city, who, language):
    with city[0].records.read() as connection:
        ids = [one.id for one in calibrations.listing(connection).items]
    for path in ("", *(f"/{one}" for one in ids)):
        answer = who("operator").get(f"/{language}/operations/environment/calibration{path}")

        assert answer.status_code == 200
        main = answer.text.split("<main")[1].split("</main")[0]
        assert len(re.findall("<h1", main)) == 1
        assert "style=" not in main
        if language == "en":
            assert not re.search("[가-힣]", re.sub(r"<code>.*?</code>|<option.*?</option>", "", main)), path


def test_the_pictures_stand_beside_a_table_of_the_same_numbers(city, who):
    with city[0].records.read() as connection:
        found = [one for one in calibrations.listing(connection).items if one.inputs.sample]
    page = who("officer").get(f"{HOME}/{found[0].id}").text

    assert page.count('<svg class="chart"') == 2
    assert page.count("<tr>") > len(found[0].inputs.sample)


def test_hours_of_doubtful_or_few_readings_are_not_good(tmp_path):
    telemetry = DuckTelemetry(tmp_path / "t.duckdb")
    n = 48
    time_us = START_US + np.arange(n * 6, dtype=np.int64) * HOUR_US // 6
    some = batch("air-1", "pm2_5", time_us, np.full(n * 6, 10.0))
    some.flag[6] = Flag.SUSPECT
    telemetry.append(some.take(np.delete(np.arange(n * 6), [12, 13, 14, 15])), {})

    pairs = hourly_pairs(telemetry, "pm2_5", ("air-1", "ref-1"), _interval(n))

    telemetry.close()
    assert pairs.raw_flag[:4].tolist() == [Flag.GOOD, Flag.SUSPECT, Flag.SUSPECT, Flag.GOOD]
    assert (pairs.reference_flag == Flag.MISSING).all()
    assert np.isnan(pairs.rh).all()
    assert len(pairs) == n


def _interval(hours):
    from dure.core.time import Interval

    return Interval(from_us(START_US), from_us(START_US + hours * HOUR_US))


def test_every_reason_and_parameter_has_words_in_both_languages():
    tables = [calibration_words.METHODS, calibration_words.SERIES, calibration_words.PARAMETERS, calibration_words.REASONS]
    texts = [text for table in tables for text in table.values()]
    texts += [text for word in calibration_words.STATES.values() for text in (word.name, word.why)]

    assert all(text.ko and text.en for text in texts)
    assert calibration_words.REASONS.keys() >= calibration_words.AGAINST
    for text in calibration_words.REASONS.values():
        assert set(re.findall(r"{(\w+)}", text.ko)) == set(re.findall(r"{(\w+)}", text.en))


def test_every_reason_the_verdict_can_give_is_a_sentence(say):
    low, high = Score(9, 1, 1, 0.1, 1), Score(9, 2, 2, 2.0, 1)
    for scores in (
        {"raw": low, "corrected": high, "starting": low},
        {"raw": high, "corrected": low, "starting": high},
    ):
        for reason in verdict(scores):
            assert calibration_words.reason_text(reason, say.number).en != reason.code
    assert calibration_words.reason_text(Reason("later"), say.number) == Text("later")


@pytest.fixture
def say():
    return Speech("ko", CITY.zone)


def test_a_scatter_is_told_in_words_and_holds_its_points_inside(say):
    words = {"title": "보정 전", "summary": "두 점 <모두>", "across": "기준값", "upward": "<원값>", "unit": "µg/m³"}
    scatter = Scatter(**words, top=50.0, step=10.0, points=[(10.0, 20.0), (900.0, -3.0)])

    svg = scatter_chart(scatter, say.number)

    assert svg.count("<circle") == 2
    assert "<원값>" not in svg
    assert 'aria-label="두 점 &lt;모두&gt;"' in svg
    assert all(0 <= float(x) <= 360 for x in re.findall(r'c[xy]="([-\d.]+)"', svg))


@pytest.mark.parametrize(
    ("values", "axis"),
    [([], (1.0, 0.2)), ([0.0], (0.1, 0.02)), ([1.0, 47.0], (50.0, 10.0)), ([float("nan"), 9.0], (10.0, 2.0))],
)
def test_an_axis_ends_at_a_round_number(values, axis):
    assert axis_of(values, nice_step) == pytest.approx(axis)


def test_a_model_can_be_told_as_json_and_back():
    model = Model(
        id="cal-1",
        asset="a",
        property="pm10",
        method="zero_span",
        parameters={},
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        inputs=Inputs(uncertainty=1.0),
    )
    assert msgspec.convert(msgspec.to_builtins(model), Model) == model
