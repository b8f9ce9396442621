"""What drivers are told before they charge: prices of the next hours, rules of the place, each marked when unsure."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest
from face_city import CITY

from dure.core.text import Text
from dure.services.charging.model import Evse, Site
from dure.services.charging.pricing.running_cost import books_of
from dure.services.charging.publishing.place_notes import notes_of
from dure.services.charging.publishing.price_hours import PriceHour, Prices, cheapest, prices_at
from dure.services.charging.publishing.public_rules import public_rules
from dure.services.charging.sessions.place_rules import place_rules

NOW, DAY = datetime(2026, 11, 24, 14, 40, tzinfo=UTC), date(2026, 11, 24)
SITE = Site(id="s", name=Text("곳", "Site"), lon=126.8, lat=37.2, contract_w=100_000, stops_at_80=True)
SLOW = Evse(id="e1", charger="c", number=1, name=Text("1", "1"), power_w=7_000)
FAST = Evse(id="e2", charger="c", number=2, name=Text("2", "2"), power_w=100_000, phases=())


@pytest.fixture(scope="module")
def books():
    return books_of(CITY.folder, CITY.zone)


def test_a_price_nobody_knows_is_told_as_a_code_and_never_as_a_number(books):
    found = prices_at(msgspec.structs.replace(SITE, price="no-such"), SLOW, books, NOW)
    assert (found.trouble, found.hours, found.now) == ("price.unknown", (), None)


def test_the_hours_begin_with_the_one_that_runs_and_follow_each_other_over_midnight(books):
    found = prices_at(SITE, SLOW, books, NOW, 4)
    assert [one.start.hour for one in found.hours] == [23, 0, 1, 2]  # 23:40 in Seoul
    assert found.now is not None
    assert found.now.guest_won > 0


def test_a_stronger_place_has_its_own_price(books):
    slow, fast = (prices_at(SITE, one, books, NOW, 1).now for one in (SLOW, FAST))
    assert slow is not None
    assert fast is not None
    assert fast.guest_won > slow.guest_won


def test_the_cheapest_hour_is_named_only_where_hours_differ():
    def hour(number, won):
        return PriceHour(start=NOW.replace(hour=number), guest_won=won, member_won=won, band="mid", season="winter")

    by_hour = Prices(name=Text("a", "a"), hours=(hour(1, 300.0), hour(2, 200.0), hour(3, 200.0)), by_hour=True)
    assert cheapest(by_hour) == hour(2, 200.0)
    assert cheapest(msgspec.structs.replace(by_hour, by_hour=False)) is None
    assert cheapest(msgspec.structs.replace(by_hour, hours=(hour(1, 100.0), hour(2, 200.0)))) is None


def test_the_stop_of_fast_chargers_is_told_at_fast_places_only_and_what_is_unsure_is_marked():
    rules = place_rules(DAY, None)
    fast = notes_of(SITE, FAST, rules)
    assert fast[0].text.en == "Charging stops at 80% or after 50 minutes."
    assert not fast[0].provisional
    assert fast[1].provisional  # how long one may stay was not traced to a source
    assert all("80%" not in one.text.en for one in notes_of(SITE, SLOW, rules))
    elsewhere = msgspec.structs.replace(SITE, stops_at_80=False)
    assert all("80%" not in one.text.en for one in notes_of(elsewhere, FAST, rules))


@pytest.mark.parametrize(
    ("power_w", "expected"), [(3_000, "slow"), (29_999, "slow"), (30_000, "mid"), (50_000, "mid"), (50_100, "fast")]
)
def test_every_power_has_one_class(power_w, expected):
    rules = public_rules(DAY, None)
    assert rules.class_of(power_w).id == expected
    assert sum(one.holds(power_w) for one in rules.classes) == 1
