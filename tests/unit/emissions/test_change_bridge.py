from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.emissions.bridge import Bridge, Use, bridge
from dure.emissions.conversion import Refused

OLD_FACTOR, NEW_FACTOR = Fraction("0.4781"), Fraction("0.4173")


def use(energy_wh: int, area: float = 1_000, weather: float = 1, factor: Fraction = OLD_FACTOR) -> Use:
    return Use(energy_wh=energy_wh, area_m2=Fraction(area), weather=Fraction(str(weather)), g_per_wh=factor)


@pytest.mark.parametrize("bad", [use(1, area=0), use(1, area=-3), use(1, weather=0)])
def test_a_period_without_area_or_weather_has_no_bridge(bad):
    found = bridge({"electricity": bad}, {"electricity": use(1)})
    assert isinstance(found, Refused)
    assert found.code == "bridge.no_base"


def test_nothing_before_and_after_is_no_change():
    assert bridge({}, {}) == Bridge(0, 0, 0, 0, 0, 0)


def test_a_new_factor_alone_is_all_factor():
    found = bridge({"electricity": use(10**9)}, {"electricity": use(10**9, factor=NEW_FACTOR)})
    assert isinstance(found, Bridge)
    assert (found.factor_g, found.activity_g, found.weather_g, found.area_g) == (-60_800_000, 0, 0, 0)


def test_a_colder_winter_alone_is_all_weather():
    found = bridge({"heat": use(1_000_000)}, {"heat": use(1_200_000, weather=1.2)})
    assert isinstance(found, Bridge)
    assert (found.weather_g, found.activity_g) == (95_620, 0)


def test_a_new_wing_alone_is_all_area():
    found = bridge({"electricity": use(1_000_000)}, {"electricity": use(1_500_000, area=1_500)})
    assert isinstance(found, Bridge)
    assert (found.area_g, found.activity_g) == (239_050, 0)


def test_a_fuel_given_up_is_activity():
    found = bridge({"electricity": use(0), "oil": use(1_000_000)}, {"electricity": use(1_000_000)})
    assert isinstance(found, Bridge)
    assert found.activity_g == found.total_g == 0


uses = st.builds(
    Use,
    energy_wh=st.integers(0, 10**10),
    area_m2=st.fractions(1, 10**5, max_denominator=100),
    weather=st.fractions(Fraction(1, 2), 2, max_denominator=1_000),
    g_per_wh=st.fractions(0, 1, max_denominator=100_000),
)
periods = st.dictionaries(st.sampled_from(["electricity", "gas", "heat"]), uses, max_size=3)


@settings(max_examples=60, deadline=None)
@given(before=periods, after=periods)
def test_the_four_effects_sum_to_the_change_to_the_gram(before, after):
    found = bridge(before, after)
    assert isinstance(found, Bridge)
    assert found.activity_g + found.factor_g + found.weather_g + found.area_g == found.after_g - found.before_g


@settings(max_examples=30, deadline=None)
@given(before=periods, after=periods)
def test_the_way_back_is_the_way_there_with_the_sign_turned(before, after):
    there, back = bridge(before, after), bridge(after, before)
    assert isinstance(there, Bridge)
    assert isinstance(back, Bridge)
    assert there.total_g == -back.total_g
    assert all(abs(a + b) <= 2 for a, b in ((there.factor_g, back.factor_g), (there.weather_g, back.weather_g)))
