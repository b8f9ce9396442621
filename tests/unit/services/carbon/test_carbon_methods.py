"""Methods are dated rows: sound, documented, and fair whatever is measured."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.services.carbon.claiming import methods
from dure.services.carbon.claiming.formula import run
from dure.services.carbon.programmes import programmes

DOCS = Path(__file__).parents[4] / "docs"
ON = date(2026, 11, 22)
METHODS = methods.all_methods()
BY_ID = {one.id: one for one in METHODS}
NAMES = ("leakage_share", "additional_share", "meter_share", "scale_share", "ev_km_kwh", "petrol_car_km_l")
SHARES = {name: row[0] for name in NAMES
          if (row := methods.parameter(name, ON))}  # fmt: skip
FACTORS = st.integers(1, 5_000).map(str)
WHOLE = st.integers(0, 10**9)


def ids(one):
    return one.ref


@pytest.mark.parametrize("method", METHODS, ids=ids)
def test_a_method_counts_only_what_its_programme_counts_and_has_a_bound(method):
    programme = programmes(ON)[method.programme]
    assert {one.attribute for one in method.stretches} <= set(programme.attributes)
    assert methods.bound(method.id, "anything", ON) is not None
    assert all(methods.parameter(name, ON) for name in method.parameters)


@pytest.mark.parametrize("method", METHODS, ids=ids)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_method_says_all_of_iso_14064_2_in_both_languages_and_is_documented(method, language):
    for word in (*methods.WORDS, "name", "description"):
        assert getattr(method, word)(language)
    assert all(one.name.ko and one.name.en for one in method.steps)
    assert f"`{method.id}`" in (DOCS / language / "carbon-claims.md").read_text("utf-8")


@pytest.mark.parametrize("method", METHODS, ids=ids)
def test_the_waterfall_of_a_method_has_a_begin_and_an_end(method):
    shown = [one.shows for one in method.steps if one.shows]
    assert (shown.count("gross"), shown.count("credit")) == (1, 1)
    assert method.steps[[one.shows for one in method.steps].index("gross")].out == "point_g"


def worked(ident, **inputs):
    method = BY_ID[ident]
    known = {name: SHARES[name] for name in method.parameters}
    return run(method.steps, known | {name: str(value) for name, value in inputs.items()})


def falls(ident, result):
    """What is left when every deduction is taken off the gross."""
    steps = BY_ID[ident].steps
    off = sum(result.values[one.out] for one in steps if one.shows == "deduction")
    return result.values["point_g"] - off


@given(saved=st.integers(-(10**9), 10**9), half=st.integers(0, 10**9), one_sided=st.sampled_from(["1.0", "0.7792", "0.6539"]))
def test_a_building_is_credited_the_lower_bound_and_never_below_zero(saved, half, one_sided):
    found = worked("building-saving", saved_g=saved, low_g=saved - half, saved_wh=1, one_sided=one_sided)
    assert 0 <= found.grams <= max(saved, 0)
    assert (found.grams == 0) == (found.values["bound_g"] < 1)
    assert falls("building-saving", found) == found.values["credit_g"]


@given(wh=st.tuples(WHOLE, WHOLE, WHOLE, WHOLE), grid=FACTORS, more=st.integers(1, 10**6))
def test_charging_credits_less_than_its_estimate_and_more_for_more(wh, grid, more):
    first = worked("charging-renewable", pv_wh=wh[0], ess_pv_wh=wh[1], grid_g_kwh=grid)
    second = worked("charging-renewable", pv_wh=wh[0] + more, ess_pv_wh=wh[1], grid_g_kwh=grid)
    assert 0 <= first.grams <= max(first.point_grams, 0)
    assert first.grams <= second.grams
    assert falls("charging-renewable", first) == first.values["credit_g"]


@given(wh=st.tuples(WHOLE, WHOLE, WHOLE, WHOLE), grid=FACTORS, petrol=FACTORS)
def test_the_two_attributes_of_charging_sum_to_the_petrol_car_less_the_grid_part(wh, grid, petrol):
    pv, ess_pv, ess_grid, grid_wh = wh
    fuel = worked("charging-avoided-fuel", pv_wh=pv, ess_pv_wh=ess_pv, ess_grid_wh=ess_grid, grid_wh=grid_wh, grid_g_kwh=grid,
                  petrol_g_l=petrol)  # fmt: skip
    sun = worked("charging-renewable", pv_wh=pv, ess_pv_wh=ess_pv, grid_g_kwh=grid)
    whole = fuel.values["point_g"] + sun.values["point_g"]
    from_grid = fuel.values["charged_kwh"] - sun.values["renewable_kwh"]
    assert whole == fuel.values["baseline_g"] - from_grid * int(grid)


@given(flows=st.tuples(WHOLE, WHOLE, WHOLE, WHOLE), grid=FACTORS)
def test_generation_is_the_sum_of_what_was_given(flows, grid):
    names = ("load_wh", "export_wh", "ess_load_wh", "ess_export_wh")
    found = worked("pv-generation", **dict(zip(names, flows, strict=True)), grid_g_kwh=grid)
    assert found.values["given_wh"] == sum(flows)
    assert 0 <= found.grams <= max(found.point_grams, 0)


@given(
    days=st.integers(1, 31),
    fuel=st.tuples(st.integers(-500, 500), st.integers(0, 300)),
    energy=st.tuples(st.integers(-500, 500), st.integers(0, 300)),
)
def test_collection_is_credited_at_the_sum_of_lower_bounds(days, fuel, energy):
    found = worked(
        "collection-avoided", days=days, km_day=10, fuel_day_l=fuel[0], fuel_low_l=fuel[0] - fuel[1], energy_day_kwh=energy[0],
        energy_low_kwh=energy[0] - energy[1], diesel_g_l=2_615, grid_g_kwh=459, one_sided="0.7792",
    )  # fmt: skip
    assert 0 <= found.grams <= max(found.point_grams, 0)
    assert falls("collection-avoided", found) == found.values["credit_g"]


@given(mass=WHOLE, factor=FACTORS)
def test_recycling_is_weighed_grams_times_the_factor_less_the_scale(mass, factor):
    found = worked("recycled-mass", mass_g=mass, saved_g_kg=factor)
    assert found.grams == mass * int(factor) * 99 // 100_000


def test_a_method_whose_steps_do_not_fit_stops_the_start():
    row = msgspec.to_builtins(BY_ID["recycled-mass"]) | {"quantity": "nothing"}
    with pytest.raises(msgspec.ValidationError, match="nothing"):
        msgspec.convert(row, methods.Method)


@pytest.mark.parametrize(
    ("source", "held"),
    [("charging/cs-1", True), ("charging/cs-1/pv-to-ev", True), ("charging/cs-10/pv-to-ev", False), ("charging", False)],
    ids=["itself", "under it", "another", "above it"],
)
def test_an_exclusion_holds_for_a_source_and_what_lies_under_it(source, held):
    row = methods.Exclusion(
        id="x", effective_from=ON, source="s", mark="own choice", source_path="charging/cs-1", attributes=("generation",),
        scheme="REC",
    )  # fmt: skip
    assert row.holds_for(source, "generation") is held
    assert not row.holds_for(source, "avoided_fuel")


def test_a_two_sided_level_has_a_one_sided_share_and_another_has_none():
    assert [methods.one_sided(one, ON)[0] for one in ("0.8", "0.9", "0.95")] == ["1.0", "0.7792", "0.6539"]
    assert methods.one_sided("0.5", ON) is None
