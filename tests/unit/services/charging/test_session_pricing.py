"""What a session costs: prices that cannot be are refused by name; lines are whole won and add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import ConfigError, InputError
from dure.core.rules import parse_pack
from dure.core.time import to_us
from dure.services.charging.pricing.prices import PriceBook, PriceList, price_book
from dure.services.charging.pricing.pricing import Charged, PricedSession, Slice, charged_until, priced, slices_of
from dure.services.charging.pricing.tariffs import tariff_book

SEOUL = ZoneInfo("Asia/Seoul")
TARIFFS = tariff_book(None, SEOUL)
BOOK = price_book(None)
NOON = datetime(2022, 10, 12, 12, 0, tzinfo=SEOUL).astimezone(UTC)  # a Wednesday in autumn
DAY = date(2022, 10, 12)
HOUR_US = 3_600_000_000


def words(**energy: Any) -> dict[str, Any]:
    """A small list of prices as its file says it."""
    row = {"effective_from": date(2020, 1, 1), "source": "a test", "mark": "own choice"}
    return {
        "id": "prices", "version": "1", "name": {"ko": "시험", "en": "Test"},
        "choices": [
            row | {"id": "default_price", "value": "p"}, row | {"id": "won_kwh_most", "value": 3_000.0},
            row | {"id": "fee_won_most", "value": 100_000.0}, row | {"id": "rounding", "value": "down"},
        ],
        "prices": [row | {"id": "p", "name": {"ko": "작은", "en": "Small"}}],
        "energy": [row | {"id": "e", "price": "p", "won_kwh": 300.0} | energy],
    }  # fmt: skip


def listed(changed: dict[str, Any]) -> PriceList:
    return PriceBook(parse_pack(changed, "prices")).listed("", DAY)


def charged(*slices: Slice, **more: Any) -> Charged:
    end = NOON + timedelta(hours=1)
    usual: dict[str, Any] = {"started_at": NOON, "ended_at": end, "charged_until": end, "power_w": 7_000.0}
    return Charged(slices=slices, **(usual | more))


def wh(amount: int, at: datetime = NOON) -> Slice:
    return Slice(to_us(at), to_us(at) + 900_000_000, amount)


def refused(changed: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as error:
        listed(changed)
    return error.value.code


def test_a_negative_price_is_refused() -> None:
    assert refused(words(won_kwh=-324.4)) == "price.negative"


@pytest.mark.parametrize("table", ["fees", "discounts"])
def test_a_negative_fee_and_a_negative_discount_are_refused(table: str) -> None:
    changed = words()
    row = changed["energy"][0] | {"id": "x", "won": -1.0, "won_kwh": -1.0, "kind": "renewable", "per": "session"}
    changed[table] = [row]
    assert refused(changed) == "price.negative"


@pytest.mark.parametrize("won", [324_400.0, float("nan"), "dear", None])
def test_an_absurd_price_is_refused(won: object) -> None:
    assert refused(words(won_kwh=won)) == "price.absurd"


def test_overlapping_versions_are_refused() -> None:
    changed = words()
    changed["energy"].append(changed["energy"][0] | {"effective_from": date(2021, 1, 1)})
    assert refused(changed) == "rules.overlap"


def test_two_rows_that_fit_equally_well_are_refused() -> None:
    changed = words(power_kw_below=50.0)
    changed["energy"].append(changed["energy"][0] | {"id": "other", "member": "guest"} | {"power_kw_below": 1e9})
    changed["energy"][1].pop("power_kw_below")
    with pytest.raises(ConfigError) as error:
        priced(charged(wh(1_000)), listed(changed), TARIFFS)
    assert error.value.code == "price.ambiguous"


def test_a_session_no_row_fits_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        priced(charged(wh(1_000)), listed(words(power_kw_from=50.0)), TARIFFS)
    assert error.value.code == "price.none"


def test_a_price_nobody_knows_is_refused() -> None:
    with pytest.raises(ConfigError) as error:
        BOOK.listed("nobody", DAY)
    assert error.value.code == "price.unknown"


@pytest.mark.parametrize(("amount", "renewable"), [(-1, 0), (10, 11), (10, -1)])
def test_energy_that_cannot_be_is_refused(amount: int, renewable: int) -> None:
    with pytest.raises(InputError) as error:
        priced(charged(wh(amount), renewable_wh=renewable), listed(words()), TARIFFS)
    assert error.value.code == "price.energy"


@pytest.mark.parametrize(("power_w", "won"), [(7_000.0, 3_244), (50_000.0, 3_244), (99_000.0, 3_244), (100_000.0, 3_472)])
def test_the_public_price_follows_the_power_of_the_evse(power_w: float, won: int) -> None:
    found = priced(charged(wh(10_000), power_w=power_w), BOOK.listed("public", DAY), TARIFFS)
    assert found.won == won


def test_the_versions_in_force_when_it_began_price_it() -> None:
    before = BOOK.listed("public", date(2022, 8, 31))
    assert priced(charged(wh(10_000)), before, TARIFFS).won == 2_929


def test_energy_across_bands_is_priced_by_the_hour_it_passed() -> None:
    slices = (wh(1_000), wh(2_000, NOON + timedelta(hours=1)), wh(4_000, NOON + timedelta(hours=5)))
    found = priced(charged(*slices), BOOK.listed("apartment", DAY), TARIFFS)
    assert [(one.band, one.season, one.quantity, one.won) for one in found.lines] == [
        ("mid", "spring_autumn", 5_000, 877), ("peak", "spring_autumn", 2_000, 357),
    ]  # fmt: skip
    assert found.won == 877 + 357


def test_members_pay_less_and_guests_pay_to_connect() -> None:
    prices = BOOK.listed("city", DAY)
    guest = priced(charged(wh(10_000), power_w=50_000.0), prices, TARIFFS)
    member = priced(charged(wh(10_000), power_w=50_000.0, member="member"), prices, TARIFFS)
    slow = priced(charged(wh(10_000), member="member"), prices, TARIFFS)
    assert (guest.won, member.won, slow.won) == (3_472 + 500, 3_244, 2_800)


def test_staying_after_the_energy_ended_costs_by_the_minute_after_the_free_ones_up_to_a_most() -> None:
    prices = BOOK.listed("city", DAY)

    def stays(minutes: int) -> list[tuple[str, int, int]]:
        found = priced(
            charged(wh(1_000), member="member", ended_at=NOON + timedelta(minutes=minutes), charged_until=NOON), prices, TARIFFS
        )
        return [(one.kind, one.quantity, one.won) for one in found.lines[1:]]

    assert stays(15) == []
    assert stays(45) == [("idle", 30, 3_000)]
    assert stays(900) == [("idle", 885, 20_000)]


def test_renewable_energy_is_cheaper_and_nothing_is_ever_paid_out() -> None:
    prices = BOOK.listed("city", DAY)
    found = priced(charged(wh(10_000), member="member", renewable_wh=6_000), prices, TARIFFS)
    assert [one.won for one in found.lines] == [2_800, -120]
    changed = words(won_kwh=1.0)
    changed["discounts"] = [changed["energy"][0] | {"id": "d", "kind": "renewable", "won_kwh": 50.0}]
    assert priced(charged(wh(9_000), renewable_wh=9_000), listed(changed), TARIFFS).won == 0


def test_a_session_without_energy_costs_nothing() -> None:
    found = priced(charged(ended_at=NOON + timedelta(hours=9)), BOOK.listed("city", DAY), TARIFFS)
    assert (found.lines, found.won) == ((), 0)


def test_half_a_won_goes_as_the_rules_say() -> None:
    down, even = words(won_kwh=1.5), words(won_kwh=1.5)
    even["choices"][3]["value"] = "half_even"
    assert [priced(charged(wh(1_000)), listed(one), TARIFFS).won for one in (down, even)] == [1, 2]


def test_what_was_not_traced_is_told_as_to_be_confirmed() -> None:
    assert priced(charged(wh(1)), BOOK.listed("city", DAY), TARIFFS).provisional
    assert not priced(charged(wh(1)), BOOK.listed("public", DAY), TARIFFS).provisional


def test_a_quarter_hour_gets_what_passed_in_it() -> None:
    begin = to_us(NOON) - 300_000_000
    found = slices_of([begin, begin + HOUR_US], [0, 1_200])
    assert [one.wh for one in found] == [100, 300, 300, 300, 200]
    assert charged_until([begin, begin + HOUR_US, begin + 2 * HOUR_US], [0, 5, 5], NOON) == NOON + timedelta(minutes=55)


totals = st.lists(st.tuples(st.integers(1, 4 * HOUR_US), st.integers(0, 60_000)), min_size=1, max_size=12)


@given(steps=totals, member=st.sampled_from(["member", "guest"]), price=st.sampled_from(["public", "apartment", "city"]))
def test_lines_add_up_and_no_wh_is_lost(steps: list[tuple[int, int]], member: Any, price: str) -> None:
    at, total = [to_us(NOON)], [0]
    for dt, amount in steps:
        at.append(at[-1] + dt)
        total.append(total[-1] + amount)
    slices = slices_of(at, total)
    found: PricedSession = priced(charged(*slices, member=member, renewable_wh=total[-1] // 2), BOOK.listed(price, DAY), TARIFFS)
    assert sum(one.wh for one in slices) == total[-1]
    assert sum(one.quantity for one in found.lines if one.kind == "energy") == total[-1]
    assert found.won == sum(one.won for one in found.lines) >= 0
    assert all(before.end_us <= after.start_us for before, after in pairwise(slices))
