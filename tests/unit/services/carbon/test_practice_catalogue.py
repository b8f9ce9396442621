"""What practices are worth: the reference's arithmetic, and rules of data."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from dure.core.errors import ConfigError, NotFound
from dure.services.carbon.practising.catalogue import Catalogue, catalogue, won_for, won_per_tonne, worth
from dure.services.carbon.rules import SHIPPED

TODAY = date(2026, 11, 24)


def shipped(on: date = TODAY) -> Catalogue:
    return catalogue(on)


@pytest.mark.parametrize(
    ("on", "won", "per_tonne"), [(date(2024, 7, 1), 100, 58_139_535), (TODAY, 10, 5_813_953)], ids=["2024", "2026"]
)
def test_a_receipt_of_1_72_g_costs_58_million_won_a_tonne_at_100_won_and_5_8_million_at_10(on, won, per_tonne):
    """Reference 3.5: 100 won = 58 M won/t, 10 won = 5.8 M won/t."""
    rules = shipped(on)
    one = rules.practice("e-receipt")
    found = worth(one, rules.tier(one))
    assert (one.won_per_unit, found.won_per_tonne, found.tier, found.grade) == (won, per_tonne, "B", "low")


def test_22_000_tonnes_of_12_8_thousand_million_receipts_are_1_72_g_each():
    """Reference section 8."""
    grams = Fraction(22_000 * 1_000_000, 12_800_000_000)
    assert round(float(grams), 2) == float(shipped().practice("e-receipt").grams_per_unit)


def test_396_686_tonnes_of_1_717_501_people_are_231_kg_each():
    """Reference section 8; the note of the scheme says it."""
    assert round(396_686 * 1_000 / 1_717_501) == 231
    assert "231 kg each" in shipped().schemes["gg-climate"].note


def test_a_practice_without_sourced_grams_says_that_nobody_knows():
    rules = shipped()
    one = rules.practice("tumbler")
    assert worth(one, rules.tier(one)).won_per_tonne is None
    assert (worth(one, rules.tier(one)).grade, rules.tier(one)) == ("none", "C")


def test_rates_of_2026_take_the_place_of_those_of_2023_on_their_day():
    rates = {
        on: {one.id: one.won_per_unit for one in shipped(on).practices.values()} for on in (date(2025, 12, 31), date(2026, 1, 1))
    }
    before, after = rates.values()
    changed = {
        "e-receipt": (100, 10), "delivery-container": (2_000, 500), "cup-return": (200, 100), "refill": (2_000, 500),
        "eco-product": (1_000, 500), "recyclables": (100, 300), "shared-bike": (50, 100),
    }  # fmt: skip
    assert {name: (before[name], after[name]) for name in changed} == changed
    assert {"balcony-pv", "tree", "recycled-product", "own-container", "own-bag"} == set(after) - set(before)


def test_every_practice_has_source_and_mark_and_no_tonnes_where_it_is_participation():
    rules = shipped()
    for one in rules.practices.values():
        assert one.source
        assert one.mark in {"verified source", "secondary source", "own choice", "to be confirmed"}
        assert bool(one.grams_per_unit) == (rules.tier(one) != "C")


def test_caps_of_a_person_are_those_of_the_reference():
    schemes = shipped().schemes
    assert (schemes["green-life"].person_year_won, schemes["gg-climate"].person_year_won) == (70_000, 60_000)
    assert (schemes["hwaseong-green"].person_month_won, schemes["hwaseong-green"].person_week_times) == (10_000, 2)
    assert (schemes["gwangmyeong"].person_year_won, schemes["gwangmyeong"].offered) == (100_000, False)


def test_a_reward_is_rounded_down_once():
    rules = shipped()
    assert won_for(rules.practice("recyclables"), 1_999) == 599
    assert won_for(rules.practice("shared-bike"), 9) == 0


def test_won_per_tonne_of_one_won_for_a_tonne_is_one():
    assert won_per_tonne(1, Fraction(1_000_000)) == 1


def test_an_unknown_practice_is_not_found():
    with pytest.raises(NotFound):
        shipped().practice("flying")


def test_grams_in_a_programme_of_participation_are_refused_as_a_rule(tmp_path):
    place = tmp_path / "rules" / "carbon"
    place.mkdir(parents=True)
    text = (
        (SHIPPED / "practices.toml")
        .read_text("utf-8")
        .replace('programme = "green-practice-estimated"', 'programme = "green-practice"')
    )
    (place / "practices.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        catalogue(TODAY, tmp_path)
    assert refused.value.code == "rules.invalid"
