"""Dure's own round on seeded fields of a virtual city: errors found, neighbours spared, nothing good by default."""

from datetime import date

import msgspec
import numpy as np
import pytest

from dure.core.observations import Check, Flag
from dure.services.environment.neighbours.network import surround
from dure.services.environment.neighbours.network_round import Reason, local_plane, median_of, network_round
from dure.services.environment.neighbours.network_rules import learn_thresholds, rules_on, starting

DAY = date(2026, 11, 25)
RULE = rules_on(DAY)["air_temperature"]
SIDE_M = 20_000.0
HELD = (Flag.SUSPECT, Flag.FAIL)


class Field:
    """A spatially correlated field over n stations, from random waves; `shape` adds what is fixed in the city."""

    def __init__(self, seed, n=500, noise=0.4, shape=lambda _x, _y: 0.0):
        self.rng = np.random.default_rng(seed)
        self.x, self.y = self.rng.uniform(0, SIDE_M, (2, n))
        self.lon, self.lat = 126.8 + self.x / 88_700, 37.2 + self.y / 111_320
        self.noise, self.shape = noise, shape

    def values(self, waves=200, scale_m=5000.0):
        east, north = self.rng.normal(0, 1 / scale_m, (2, waves))
        phase = self.rng.uniform(0, 2 * np.pi, waves)
        smooth = np.cos(np.outer(self.x, east) + np.outer(self.y, north) + phase).sum(axis=1) * 1.5 * np.sqrt(2 / waves)
        return 15 + smooth + self.shape(self.x, self.y) + self.rng.normal(0, self.noise, len(self.x))

    def places(self):
        return surround(self.lon, self.lat, radius_m=RULE.radius_m, most=RULE.neighbours_most)

    def taught(self, places, rounds=6):
        past = [network_round(self.values(), places, starting(RULE)).deviation for _ in range(rounds)]
        return learn_thresholds(RULE, np.concatenate(past))


def island(x, y):
    """An urban heat island of 6 K on a slope of 1 K/km from the sea."""
    return 6 * np.exp(-((np.hypot(x - SIDE_M / 2, y - SIDE_M / 2) / 3000) ** 2)) + x / 1000


def shares(field, rounds=8):
    """(share of errors held, share of right values held) with 2 % of the stations wrong by 8 standard deviations."""
    places = field.places()
    limits = field.taught(places)
    hits, false = [], []
    for _ in range(rounds):
        value = field.values()
        wrong = field.rng.random(len(value)) < 0.02
        value[wrong] += 8 * limits.sd * field.rng.choice([-1, 1], wrong.sum())
        held = np.isin(network_round(value, places, limits).flag, HELD)
        hits.append(held[wrong])
        false.append(held[~wrong])
    return np.concatenate(hits).mean(), np.concatenate(false).mean()


@pytest.mark.parametrize("seed", range(5))
def test_gross_errors_are_found_and_right_values_left_alone(seed):
    hits, false = shares(Field(seed))
    assert hits >= 0.99
    assert false <= 0.005


def test_a_heat_island_on_a_steep_slope_is_no_error():
    hits, false = np.mean([shares(Field(seed, shape=island)) for seed in range(4)], axis=0)
    assert hits >= 0.99
    assert false <= 0.005


def test_one_gross_error_condemns_none_of_its_neighbours():
    field = Field(7)
    places = field.places()
    limits = field.taught(places)
    value = field.values()
    before = network_round(value, places, limits)
    value[40] += 500.0
    after = network_round(value, places, limits)
    others = np.arange(len(value)) != 40
    assert after.flag[40] == Flag.FAIL
    assert after.flag[others].tolist() == before.flag[others].tolist()


def test_a_third_of_a_neighbourhood_wrong_together_is_found_without_taking_the_rest():
    field = Field(11)
    places = field.places()
    limits = field.taught(places)
    value = field.values()
    wrong = places.index[100, [1, 4, 7, 9, 12]]
    value[wrong] += 8.0
    held = np.isin(network_round(value, places, limits).flag, HELD)
    assert held[wrong].all()
    assert np.delete(held, wrong).sum() <= 1


def test_a_fifth_of_all_stations_wrong_to_one_side_is_found_and_nothing_else():
    for seed in range(4):
        field = Field(seed)
        places = field.places()
        limits = field.taught(places)
        value = field.values()
        wrong = field.rng.random(len(value)) < 0.2
        value[wrong] += 8.0
        assert np.isin(network_round(value, places, limits).flag, HELD).tolist() == wrong.tolist()


def test_the_worst_go_first_where_the_right_ones_have_as_many_wrong_neighbours_as_right_ones():
    places = surround(127 + np.arange(7) * 1e-3, np.full(7, 37.0), radius_m=5_000)
    rule = msgspec.structs.replace(RULE, neighbours_least=3)
    found = network_round(np.array([10.0, 10.1, 9.9, 10.0, 500.0, 500.1, 499.9]), places, starting(rule))
    assert found.flag.tolist() == [Flag.GOOD] * 4 + [Flag.FAIL] * 3


def test_a_rain_cell_is_mostly_believed():
    field = Field(5)
    places = field.places()
    limits = field.taught(places)
    value = field.values() - 6.0 * (np.hypot(field.x - 8000, field.y - 9000) < 2500)
    assert np.isin(network_round(value, places, limits).flag, HELD).mean() <= 0.02


def test_too_few_neighbours_is_not_evaluated_and_never_good():
    lon, lat = np.array([127.0, 127.001, 127.002, 128.5]), np.full(4, 37.0)
    found = network_round(np.array([10.0, 10.1, 40.0, 10.0]), surround(lon, lat, radius_m=5000), starting(RULE))
    assert found.flag.tolist() == [Flag.NOT_EVALUATED] * 4
    assert found.reason.tolist() == [Reason.TOO_FEW_NEIGHBOURS] * 4
    assert found.check.tolist() == [Check.NONE] * 4
    assert found.evidence(3) == {
        "reason": "too_few_neighbours",
        "neighbours": [],
        **dict.fromkeys(("estimate", "deviation", "deviation_sd", "suspect", "fail")),
    }


def test_missing_held_and_placeless_values_neither_judge_nor_are_judged():
    field = Field(9, n=200)
    field.lon[3] = np.nan
    places = field.places()
    value = field.values()
    held = np.zeros(200, np.bool_)
    held[1], value[2], value[3] = True, np.nan, 9_999.0
    found = network_round(value, places, starting(RULE), held=held)
    assert found.flag[1:4].tolist() == [Flag.NOT_EVALUATED, Flag.MISSING, Flag.NOT_EVALUATED]
    assert found.reason[1:4].tolist() == [Reason.HELD_ALREADY, Reason.MISSING_VALUE, Reason.NO_PLACE]
    assert (np.delete(found.flag, [1, 2, 3]) == Flag.GOOD).all()
    assert not {j for i in range(200) for j in found.neighbours(i)} & {1, 2, 3}


def test_the_evidence_names_the_neighbours_and_the_limit_in_units():
    field = Field(2)
    places = field.places()
    limits = field.taught(places)
    value = field.values()
    value[10] += 12.0
    found = network_round(value, places, limits)
    told = found.evidence(10)
    assert told["reason"] == "unlike_neighbours"
    assert found.check[10] == Check.UNLIKE_NEIGHBOURS
    assert told["deviation"] == pytest.approx(value[10] - told["estimate"])
    assert told["deviation"] == pytest.approx(12, abs=3 * limits.sd)
    assert told["deviation_sd"] == pytest.approx(RULE.fail_sd * told["deviation"] / told["fail"])
    assert limits.suspect <= told["suspect"] < told["fail"] < told["deviation"]
    assert set(told["neighbours"]) <= set(places.index[10].tolist())


def test_heights_are_taken_into_account():
    rng = np.random.default_rng(4)
    x, y, height = rng.uniform(0, SIDE_M, 200), rng.uniform(0, SIDE_M, 200), rng.uniform(0, 900, 200)
    lon, lat = 126.8 + x / 88_700, 37.2 + y / 111_320
    value = 20 - 0.0065 * height + rng.normal(0, 0.2, 200)
    limits = msgspec.structs.replace(starting(RULE), sd=0.3)
    knowing = network_round(value, surround(lon, lat, height, radius_m=20_000, most=16), limits)
    blind = network_round(value, surround(lon, lat, radius_m=20_000, most=16), limits)
    assert (knowing.flag == Flag.GOOD).all()
    assert np.std(knowing.deviation) < 0.3
    assert np.std(blind.deviation) > 1.0


def test_a_stations_usual_difference_is_not_held_against_it():
    field = Field(6, n=200)
    places = field.places()
    limits = field.taught(places, rounds=12)
    usual = np.zeros(200)
    usual[20] = 4.0
    value = field.values() + usual
    assert network_round(value, places, limits).flag[20] in HELD
    assert network_round(value, places, limits, usual=usual).flag[20] == Flag.GOOD


def test_no_stations_is_no_trouble():
    none = np.empty(0)
    found = network_round(none, surround(none, none, radius_m=1000), starting(RULE))
    assert len(found.flag) == 0


def test_the_local_plane_goes_through_an_exact_plane_up_to_its_ridge():
    rng = np.random.default_rng(1)
    east, north = rng.uniform(-5000, 5000, (2, 3, 16))
    level = 12 + 0.0 * east
    estimate, spread, leverage = local_plane(level, np.ones((3, 16), np.bool_), east, north, 0.1)
    assert estimate == pytest.approx(12)
    assert spread == pytest.approx(0, abs=1e-9)
    assert ((leverage > 0) & (leverage < 1)).all()


def test_the_median_of_a_row_counts_only_what_is_used():
    values = np.array([[3.0, 1.0, 2.0, 99.0], [4.0, 2.0, 1.0, 3.0], [1.0, 1.0, 1.0, 1.0]])
    used = np.array([[1, 1, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], np.bool_)
    assert median_of(values, used)[:2].tolist() == [2.0, 2.5]
    assert np.isnan(median_of(values, used)[2])
