"""Plans along streets: the job of a plan with a road map on disk, with none, and what is kept between two asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from planning_days import ON, POLICY, a_forecast, a_truck

from dure.core.errors import Corrupt, InputError
from dure.engines.roads.profiles import vehicle_profiles
from dure.engines.roads.store import RoadStore
from dure.routing.model import Budget
from dure.routing.streets import GOYANG, StreetPlan, made_up_streets
from dure.services.waste.bins import Depot, DumpSite
from dure.services.waste.model import Bin
from dure.services.waste.planning import plan_jobs
from dure.services.waste.planning import travel as roads
from dure.services.waste.planning.inputs import Inputs, columns_of, digest, inputs_of, packed
from dure.services.waste.planning.rests import rests_on
from dure.services.waste.planning.selection import Wishes


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> roads.Ground:
    """A folder with a made-up map of 3 km by 3 km."""
    folder = tmp_path_factory.mktemp("roads")
    network = made_up_streets(StreetPlan(side_km=3.0), vehicle_profiles(ON), seed=4)
    RoadStore(folder).keep(network, "2026-11-24T00:00:00Z")
    return roads.Ground(roads=str(folder), city="", on=ON)


def inputs(**fields: Any) -> Inputs:
    """Twelve bins in the made-up city, and one 30 km away from it."""
    chance = np.random.default_rng(1)
    near = np.array(GOYANG) + chance.uniform(-0.01, 0.01, (12, 2))
    bins = [Bin(id=f"bin-{row}", lon=lon, lat=lat) for row, (lon, lat) in enumerate(near.tolist())]
    bins.append(Bin(id="bin-away", lon=GOYANG[0] + 0.3, lat=GOYANG[1]))
    given: dict[str, Any] = {
        "on": ON, "bins": tuple(bins), "forecast": columns_of(a_forecast(bins, [1.0] * 13)), "trucks": (a_truck(1),),
        "depots": (Depot(id="depot", lon=GOYANG[0], lat=GOYANG[1]),),
        "dumps": (DumpSite(id="dump", lon=GOYANG[0] + 0.005, lat=GOYANG[1] - 0.005),), "policy": POLICY, "rests": rests_on(ON),
        "wishes": Wishes(), "budget": Budget(iterations=20),
    }  # fmt: skip
    return Inputs(**{**given, **fields})


def test_a_plan_follows_the_streets_and_draws_its_way(mapped: roads.Ground) -> None:
    plan = plan_jobs.plan_of(plan_jobs.planned(packed(inputs()), msgspec.to_builtins(mapped)))

    assert (plan.estimated, plan.graph_version) == (False, roads.graph_version(mapped))
    assert plan.violations == ()
    assert len(plan.lines["truck-1"]) > 3 * len(plan.routes[0].visits)
    assert plan.lines["truck-1"][0] == pytest.approx(GOYANG, abs=0.002)


def test_a_bin_away_from_every_road_is_unreachable(mapped: roads.Ground) -> None:
    plan = plan_jobs.plan_of(plan_jobs.planned(packed(inputs()), msgspec.to_builtins(mapped)))

    assert {one.bin: one.code for one in plan.verdicts if not one.served} == {"bin-away": "unreachable"}


def test_without_a_map_travel_is_estimated_and_says_so(tmp_path: Path) -> None:
    ground = roads.Ground(roads=str(tmp_path), city="", on=ON)

    plan = plan_jobs.plan_of(plan_jobs.planned(packed(inputs()), msgspec.to_builtins(ground)))

    assert (plan.estimated, plan.graph_version, plan.lines) == (True, "", {})


def test_some_of_the_places_asked_before_have_the_same_travel(mapped: roads.Ground) -> None:
    places = np.array([(one.lon, one.lat) for one in inputs().bins[:12]])
    whole = roads.travel(mapped, "truck", places)

    part = roads.travel(mapped, "truck", places[[7, 2, 5]])

    assert np.array_equal(part.distance_m, whole.distance_m[np.ix_([7, 2, 5], [7, 2, 5])])


def test_a_profile_nobody_knows_is_refused_and_its_truck_stays_at_home(mapped: roads.Ground) -> None:
    with pytest.raises(InputError) as caught:
        roads.travel(mapped, "boat", np.array([GOYANG]))
    plan = plan_jobs.plan_of(
        plan_jobs.planned(packed(inputs(trucks=(a_truck(1, profile="boat"),))), msgspec.to_builtins(mapped))
    )  # fmt: skip

    assert caught.value.code == "truck.profile"
    assert [one.code for one in plan.idle] == ["no_profile"]


def test_inputs_come_back_as_they_were_packed_and_equal_ones_have_one_digest() -> None:
    one, other = inputs(), inputs(wishes=Wishes(locked=frozenset({"bin-2", "bin-1", "bin-11"})))

    assert inputs_of(packed(other)) == other
    assert digest(one) == digest(inputs())
    assert digest(one) != digest(other)


@pytest.mark.parametrize("broken", [b"", b"\x00", packed(inputs())[:-9]])
def test_broken_inputs_are_said_to_be(broken: bytes) -> None:
    with pytest.raises(Corrupt) as caught:
        inputs_of(broken)

    assert caught.value.code == "plan.corrupt"


def test_a_search_that_its_safety_net_ends_says_so(tmp_path: Path) -> None:
    ground = msgspec.to_builtins(roads.Ground(roads=str(tmp_path), city="", on=ON))
    hasty = packed(inputs(budget=Budget(cpu_s=0.01, iterations=1_000_000)))

    assert plan_jobs.plan_of(plan_jobs.planned(hasty, ground)).cut_short
    assert not plan_jobs.plan_of(plan_jobs.planned(packed(inputs()), ground)).cut_short
