"""A bag on a scale: by a reading that is on the books of readings, once, and only of a bag that was handed out."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from carbon_house import NOW, carbon_house

from dure.core.assets import Asset
from dure.core.errors import Conflict, DureError
from dure.core.geo import at as place_at
from dure.core.observations import Batch, Flag
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records import assets, events
from dure.engines.records.audit import By
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.carbon.claiming import claim_desk, weighing_desk
from dure.services.carbon.claiming.event_watch import EventWatch

BY = By("crew-1", NOW)
WEIGHED = NOW - timedelta(hours=1)
TIMES = {"good": WEIGHED, "suspect": WEIGHED + timedelta(minutes=1), "empty": WEIGHED + timedelta(minutes=2)}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weighing")
    house = carbon_house(folder)
    house.telemetry = DuckTelemetry(folder / "telemetry.duckdb")
    values = [("good", 5.25, Flag.GOOD), ("suspect", 900.0, Flag.SUSPECT), ("empty", 0.0, Flag.GOOD)]
    times = np.array([to_us(TIMES[name]) for name, _, _ in values])
    flags = np.array([flag for _, _, flag in values], np.uint8)
    mass = np.array([value for _, value, _ in values])
    keys = [("scale-1", "weighed_mass")]
    none = np.zeros(3, np.int32)
    house.telemetry.append(Batch(keys, none, times, times, mass, flags, np.zeros(3, np.uint8), np.arange(1, 4)), {})
    with house.records.begin() as connection:
        for ident, kind in (("scale-1", "scale"), ("air-1", "station")):
            asset = Asset(id=ident, city="hwaseong", kind=kind, name=Text(ident), place=place_at(127.0, 37.2), state="live")
            assets.add(connection, asset, BY)
        for bag in ("bag-1", "bag-2", "bag-3"):
            weighing_desk.give_bag(connection, bag, BY)
    yield house
    house.telemetry.close()
    house.records.close()


def test_a_weighed_bag_becomes_a_claim_and_taking_it_back_withdraws_it(house):
    one = weighing_desk.weigh(house, ("bag-1", "scale-1", "paper"), WEIGHED, BY)
    assert one.mass_g == 5_250
    assert weighing_desk.weigh(house, ("bag-1", "scale-1", "paper"), WEIGHED, BY) == one
    EventWatch(house).look_once()
    with house.records.read() as connection:
        (claim,) = claim_desk.claims(connection)
        assert events.get(connection, one.id).data["evidence"][0]["quantity"] == 5_250
    assert (claim.quantity, claim.unit, claim.state) == (5_250, "g", "awarded")
    with pytest.raises(Conflict) as refused:
        weighing_desk.weigh(house, ("bag-2", "scale-1", "paper"), WEIGHED, BY)
    assert refused.value.code == "weighing.scale_busy"
    with house.records.begin() as connection:
        weighing_desk.undo(connection, one.id, BY)
    EventWatch(house).look_once()
    with house.records.read() as connection:
        assert claim_desk.claim(connection, claim.id).state == "cancelled"


@pytest.mark.parametrize(
    ("asked", "at", "code"),
    [
        (("bag-none", "scale-1", "paper"), TIMES["good"], "weighing.bag_unknown"),
        (("bag-3", "air-1", "paper"), TIMES["good"], "weighing.scale_unknown"),
        (("bag-3", "scale-1", "paper"), WEIGHED - timedelta(hours=1), "weighing.no_reading"),
        (("bag-3", "scale-1", "paper"), TIMES["suspect"], "weighing.doubtful"),
        (("bag-3", "scale-1", "paper"), TIMES["empty"], "weighing.empty"),
    ],
    ids=["bag", "scale", "no reading", "doubtful", "empty"],
)
def test_a_weighing_that_cannot_count_is_refused_with_a_code(house, asked, at, code):
    with pytest.raises(DureError) as refused:
        weighing_desk.weigh(house, asked, at, BY)
    assert refused.value.code == code


def test_a_bag_of_somebody_else_is_not_handed_out_again(house):
    with house.records.begin() as connection:
        assert not weighing_desk.give_bag(connection, "bag-2", BY)
        with pytest.raises(Conflict) as refused:
            weighing_desk.give_bag(connection, "bag-2", BY, "person/" + "a" * 32)
    assert refused.value.code == "weighing.bag_taken"
