"""Plans as charging profiles: valid by the official schemas of every version, and never more than the plan."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.text import Text
from dure.services.charging.model import VERSIONS, Charger, Evse, Version
from dure.services.charging.planning.set_points import SetPoint, current_a, periods, set_profile, set_station_most

NAME = Text("충전구", "EVSE")
ONE_PHASE = Evse(id="e1", charger="c", number=1, name=NAME)
THREE_PHASE = Evse(id="e2", charger="c", number=2, name=NAME, power_w=22_000, phases=(1, 2, 3))
DIRECT = Evse(id="e3", charger="c", number=3, name=NAME, power_w=100_000, phases=())
AT = datetime(2026, 7, 1, 3, 15, tzinfo=UTC)
FOLDERS = {
    "ocpp1.6": ("ocpp.v16", "SetChargingProfile"),
    "ocpp2.0.1": ("ocpp.v201", "SetChargingProfileRequest"),
    "ocpp2.1": ("ocpp.v21", "SetChargingProfileRequest"),
}


def is_valid(version: Version, payload: dict[str, Any]) -> bool:
    package, name = FOLDERS[version]
    schema = json.loads(files(package).joinpath("schemas", f"{name}.json").read_text(encoding="utf-8-sig"))
    return bool(jsonschema_rs.validator_for(schema).is_valid(payload))


def plan_of(evse: Evse, *limits_w: float) -> SetPoint:
    return SetPoint(evse=evse, limits_w=limits_w, start_at=AT, step_s=900, transaction="77")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("evse", [ONE_PHASE, THREE_PHASE, DIRECT], ids=["one phase", "three phases", "direct current"])
def test_every_profile_is_valid_by_the_official_schema(version: Version, evse: Evse) -> None:
    default = SetPoint(evse=evse, limits_w=(3_000.0,), start_at=AT)
    charger = Charger(id="c", site="s", name=NAME, power_w=44_000.0)
    assert is_valid(version, set_profile(version, plan_of(evse, 0.0, 1_400.0, 7_000.0), 230))
    assert is_valid(version, set_profile(version, default, 230))
    assert is_valid(version, set_station_most(version, charger))


@given(st.floats(0, 50_000), st.sampled_from([ONE_PHASE, THREE_PHASE]))
def test_a_limit_is_tenths_of_an_ampere_and_never_more_than_planned(power_w: float, evse: Evse) -> None:
    found = current_a(evse, power_w, 230)
    assert found == round(found * 10) / 10
    assert found * 230 * len(evse.phases) <= power_w + 0.01
    assert found * 230 * len(evse.phases) > power_w - 0.1 * 230 * len(evse.phases)


@given(st.integers(0, 640))
def test_every_tenth_of_an_ampere_is_valid_in_1_6(tenths: int) -> None:
    payload = set_profile("ocpp1.6", plan_of(ONE_PHASE, tenths * 23.0), 230)
    assert payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] == tenths / 10
    assert is_valid("ocpp1.6", payload)


def test_least_current_stays_least_current() -> None:
    assert current_a(ONE_PHASE, 6 * 220, 220) == 6.0
    assert current_a(THREE_PHASE, 6 * 220 * 3, 220) == 6.0


def test_steps_with_the_same_limit_are_one_period() -> None:
    found = periods(plan_of(ONE_PHASE, 0.0, 0.0, 6_900.0, 6_900.0), 230)
    assert [(one["startPeriod"], one["limit"]) for one in found] == [(0, 0.0), (1_800, 30.0)]


def test_a_plan_ends_by_itself_and_a_default_does_not() -> None:
    plan = set_profile("ocpp2.0.1", plan_of(ONE_PHASE, 6_900.0, 0.0), 230)["chargingProfile"]
    assert plan["validTo"] == "2026-07-01T03:45:00Z"
    assert plan["chargingSchedule"][0]["duration"] == 1_800
    assert plan["stackLevel"] == 1
    default = set_profile("ocpp2.0.1", SetPoint(evse=ONE_PHASE, limits_w=(1_400.0,), start_at=AT), 230)["chargingProfile"]
    assert "validTo" not in default
    assert "transactionId" not in default
    assert default["stackLevel"] == 0


def test_a_transaction_of_1_6_that_is_no_number_is_refused() -> None:
    point = SetPoint(evse=ONE_PHASE, limits_w=(0.0,), start_at=AT, step_s=900, transaction="abc")
    with pytest.raises(ValueError, match="abc"):
        set_profile("ocpp1.6", point, 230)
