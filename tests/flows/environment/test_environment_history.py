"""Weeks of dust in a running city: a drifting sensor is held back until it is cleaned; corrected values stand beside raw."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from environment_running import HOUR, MINUTE, NOW, STREET, EnvironmentCity, Weather

from dure.engines.records.audit import By
from dure.services.environment.calibrating import calibration_records
from dure.services.environment.calibrating.calibration import Inputs, Model
from dure.services.environment.watches.calibration_watch import CalibrationWatch
from dure.services.environment.watches.drift_watch import DriftWatch

DUST, CORRECTED = "pm2_5", "pm2_5_corrected"
GOOD, SUSPECT = 1, 3
DRIFTING, CORRECTED_AT = "st-05", "st-01"
HOURS_N = 50 * 24
DRIFT_DAYS = 14


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    """Seven weeks of hourly dust at twelve stations; one reads three percent higher day by day in the last two."""
    one = EnvironmentCity(tmp_path_factory.mktemp("history"), STREET).start()
    table = Weather(8, STREET, HOURS_N, 30_000.0).table(30.0, 6.0, 3.0, 0.6)
    days = np.maximum(0.0, np.arange(HOURS_N) / 24 - (50 - DRIFT_DAYS))
    table[DRIFTING] = np.round(table[DRIFTING] * 1.03**days, 2)
    one.history(DUST, table, HOUR, NOW.replace(minute=0))
    yield one
    one.stop()


@pytest.mark.slow
def test_a_drifting_sensor_is_found_among_its_neighbours_and_held_back_until_it_is_cleaned(city):
    drift = city.watch(DriftWatch)
    city.look(drift)
    rows = city.ask("/environment/findings", state="open", limit=1000)["items"]
    assert [(one["asset"], one["property"], one["kind"]) for one in rows] == [(DRIFTING, DUST, "drift")]
    evidence = rows[0]["evidence"]
    assert (evidence["direction"], evidence["rate_unit"]) == ("up", "%/d")
    assert evidence["rate_per_day"] == pytest.approx(3.0, abs=1.0)
    last = city.judged(DRIFTING, DUST)[-1][0]
    assert city.until_check(DRIFTING, DUST, last, "drifting") == (last, SUSPECT, "drifting")
    reasons = city.why(DRIFTING, DUST, city.clock.at)["reasons"]
    assert any(one.startswith(f"finding {rows[0]['id']}: drift since") for one in reasons), reasons
    assert city.shown(DRIFTING, DUST)[1] == "의심"
    city.settle(rows[0]["id"], "흡입구를 청소하고 다시 교정했습니다.")
    assert city.until_check(DRIFTING, DUST, last, "none")[1] == GOOD
    city.look(drift)
    assert city.findings(DRIFTING) == {}, "what was measured before the cleaning counts no more"
    assert city.nothing_is_lost(DRIFTING)


def test_corrected_values_stand_beside_unchanged_raw_ones_and_name_their_model(city):
    before = city.judged(CORRECTED_AT, DUST)
    by = By("operator", city.clock.at)
    model = Model(
        id="cal-flow",
        asset=CORRECTED_AT,
        property=DUST,
        method="zero_span",
        parameters={"gain": 0.8, "offset": 1.0},
        valid_from=NOW,
        inputs=Inputs(uncertainty=2.0),
    )
    with city.house.records.begin() as connection:
        calibration_records.add(connection, model, by)
    watch = city.watch(lambda house, _stations: CalibrationWatch(house))
    assert city.look(watch) == 0, "a candidate corrects nothing"
    with city.house.records.begin() as connection:
        calibration_records.activate(connection, "cal-flow", NOW - timedelta(hours=5), by)
    assert city.look(watch) == 5
    raw = city.judged(CORRECTED_AT, DUST)
    assert raw == before, "raw never changes"
    corrected = city.judged(CORRECTED_AT, CORRECTED)
    assert [value for value, _, _ in corrected] == pytest.approx([0.8 * value + 1.0 for value, _, _ in raw[-5:]])
    assert {flag for _, flag, _ in corrected} == {GOOD}
    said = city.why(CORRECTED_AT, CORRECTED, NOW - 10 * MINUTE)["reasons"]
    assert said[0].startswith("calibration cal-flow: zero_span, gain 0.8, offset 1; in force from 2026-11-20T01:10:00Z")
    assert said[1] == f"raw pm2_5: {raw[-1][0]:g} ug/m3, good (none)"
    assert city.look(watch) == 0, "a value is corrected once"
