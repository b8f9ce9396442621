"""Tickets of findings: what they are worth, each step and what is refused, and what a look at the meter does to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest

from dure.core.errors import ConfigError, Conflict, InputError
from dure.core.time import to_us
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.finding import tickets as machine
from dure.services.buildings.finding.day_grid import HOUR_US, day_grid
from dure.services.buildings.finding.finding_rules import finding_rules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.gaps import gaps_of
from dure.services.buildings.finding.looking import look
from dure.services.buildings.finding.prices import price_of, price_of_months, supply_id
from dure.services.buildings.finding.worth import Worth, worth_of
from dure.services.buildings.model import SUPPLIES, Meter
from dure.services.buildings.modelling.rows import HourlyRows
from dure.services.buildings.modelling.towt import KNOTS_C, Hourly, local_hours
from dure.services.buildings.months.month_use import MonthUse

SEOUL = ZoneInfo("Asia/Seoul")
AT = datetime(2026, 11, 24, 3, tzinfo=UTC)
ON = date(2026, 11, 24)
RULES = finding_rules(ON)
METER = Meter(id="m-1", building="b-1", fuel="electricity")
BOOK = carbon_book(None, ON)
NOTHING = Worth(amount_year=0, energy_wh_year=0, won_year=0, co2e_g_year=0)


def finding(kind: str = "leak", *, excess_per_h: float = 1_000.0, since: datetime = AT - timedelta(days=3)) -> Finding:
    return Finding(
        kind=kind,  # type: ignore[arg-type]
        meter="m-1", since=since, until=AT, window_from=since, actual=3.0, expected=2.0, excess_per_h=excess_per_h,
        hours_year=8_766, numbers={"surplus_per_h": 1.0, "surplus_share": 0.5, "threshold_share": 0.25},
        rule="r", provisional=False,
    )  # fmt: skip


def ticket(kind: str = "leak", **more: object) -> machine.Ticket:
    found = finding(kind, **more)  # type: ignore[arg-type]
    return machine.opened(found, NOTHING, "b-1", AT, ON)


def month(name: str, amount: int, won: int | None, fuel: str = "electricity") -> MonthUse:
    return MonthUse(
        meter="m-1", month=name, known_at=AT, building="b-1", fuel=fuel, part="main", book="Wh",
        amount=amount, measured=amount, won=won,
    )  # fmt: skip


def test_the_bills_own_average_of_twelve_months_is_the_price() -> None:
    old = month("2025-01", 1_000_000, 999_999)
    rows = [old, *(month(f"2026-{n:02d}", 2_000_000, 300_000) for n in range(1, 13)), month("2027-01", 5, None)]
    price = price_of_months(rows)
    assert price is not None
    assert price.won_of(1_000_000, "Wh") == pytest.approx(150_000)
    assert not price.provisional


def test_without_bills_a_dated_row_is_the_price_and_says_that_it_is_to_be_confirmed() -> None:
    assert price_of_months([month("2026-01", 10, None), month("2026-02", 0, 3)]) is None
    price = price_of(None, "electricity", ON)
    assert (price.per, price.provisional) == ("kWh", True)
    assert price.won_of(2_000, "Wh") == pytest.approx(2 * price.won_per_unit)


def test_every_supply_has_a_price_in_a_unit_its_book_unit_converts_to() -> None:
    for fuel, supply in SUPPLIES.items():
        assert price_of(None, supply_id(Meter(id="m", building="b", fuel=fuel)), ON).won_of(1_000, supply.book) > 0
    volume = Meter(id="m", building="b", fuel="city_gas", volume=True)
    assert price_of(None, supply_id(volume), ON).won_of(1_000, "L") > 0


def test_a_day_without_a_price_row_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="in force"):
        price_of(None, "electricity", date(1999, 1, 1))


def test_a_city_s_own_price_wins(tmp_path: Path) -> None:
    folder = tmp_path / "rules" / "buildings"
    folder.mkdir(parents=True)
    row = '[[prices]]\nid = "electricity"\nwon = 99.0\nper = "kWh"\neffective_from = 2026-01-01\n'
    row += 'source = "contract"\nmark = "verified source"\n'
    (folder / "prices.toml").write_text(f'id = "prices"\nversion = "1"\nname = {{ ko = "값", en = "Prices" }}\n{row}')
    assert price_of(tmp_path, "electricity", ON).won_per_unit == 99.0


def test_a_finding_is_worth_its_surplus_of_a_year_in_won_and_grams() -> None:
    worth = worth_of(finding(), METER, price_of(None, "electricity", ON), BOOK, ON)
    assert worth.amount_year == 8_766_000
    assert worth.energy_wh_year == 8_766_000
    assert worth.won_year == round(8_766 * price_of(None, "electricity", ON).won_per_unit)
    assert worth.co2e_g_year > 0
    assert worth.factor
    assert worth.provisional


def test_water_is_worth_won_but_no_carbon_and_an_unknown_excess_is_worth_nothing() -> None:
    water = Meter(id="m", building="b", fuel="water")
    worth = worth_of(finding(), water, price_of(None, "water", ON), BOOK, ON)
    assert (worth.energy_wh_year, worth.co2e_g_year) == (None, 0)
    assert worth.won_year > 0
    unknown = worth_of(finding("stuck", excess_per_h=0.0), METER, None, BOOK, ON)
    assert (unknown.won_year, unknown.co2e_g_year, unknown.refused) == (0, 0, "")


def test_a_ticket_is_due_in_working_days() -> None:
    friday = date(2026, 11, 27)
    assert machine.due_on(friday, 1, ()) == date(2026, 11, 30)
    assert machine.due_on(friday, 3, {date(2026, 12, 1)}) == date(2026, 12, 3)


def test_a_ticket_goes_from_open_to_closed_and_tells_its_story() -> None:
    one = machine.assigned(ticket(), "team 2", "kim", AT)
    one = machine.repaired(one, "valve closed", "kim", AT)
    one = machine.closed(one, "repaired", "", "", AT)
    assert [entry.step for entry in one.facts.story] == ["opened", "assigned", "repaired", "closed"]
    assert [entry.n for entry in one.facts.story] == [1, 2, 3, 4]
    assert (one.state, one.facts.outcome, one.closed_at) == ("closed", "repaired", AT)
    assert msgspec.convert(msgspec.to_builtins(one), machine.Ticket) == one


def test_doing_the_same_again_changes_nothing() -> None:
    one = machine.assigned(ticket(), "team 2", "kim", AT)
    assert machine.assigned(one, " team 2 ", "lee", AT) is one
    one = machine.repaired(one, "", "kim", AT)
    assert machine.repaired(one, "again", "kim", AT) is one
    one = machine.closed(one, "repaired", "seen", "kim", AT)
    assert machine.closed(one, "accepted", "x", "kim", AT) is one


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda one: machine.assigned(one, " ", "kim", AT), "ticket.owner"),
        (lambda one: machine.assigned(one, "x" * 121, "kim", AT), "ticket.owner"),
        (lambda one: machine.repaired(one, "\0", "kim", AT), "ticket.note"),
        (lambda one: machine.closed(one, "no_waste", " ", "kim", AT), "ticket.note"),
        (lambda one: machine.closed(one, "gone", "x", "kim", AT), "ticket.outcome"),
        (lambda one: machine.closed(one, "else", "x", "kim", AT), "ticket.outcome"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_code(act: object, code: str) -> None:
    with pytest.raises(InputError) as refused:
        act(ticket())  # type: ignore[operator]
    assert refused.value.code == code


def test_a_step_that_does_not_fit_the_state_is_a_conflict() -> None:
    done = machine.closed(ticket(), "no_waste", "an event", "kim", AT)
    for act in (lambda: machine.assigned(done, "a", "b", AT), lambda: machine.repaired(done, "", "b", AT)):
        with pytest.raises(Conflict):
            act()
    with pytest.raises(Conflict):
        machine.reopened(ticket(), "why", "kim", AT)
    with pytest.raises(Conflict):
        machine.alone(done, [msgspec.structs.replace(ticket(), id="another")])


def test_a_person_who_reopens_says_why() -> None:
    done = machine.closed(ticket(), "no_waste", "an event", "kim", AT)
    with pytest.raises(InputError):
        machine.reopened(done, "", "kim", AT)
    again = machine.reopened(done, "still on", "kim", AT)
    assert (again.state, again.closed_at, again.facts.reopened_n, again.facts.outcome) == ("open", None, 1, "")


def grid_until(at: datetime, surplus_from: datetime | None = None, surplus_to: datetime | None = None):
    """Days up to an instant, with a surplus between two others."""
    end = at.astimezone(SEOUL).date()
    start = to_us(datetime(end.year, end.month, end.day, tzinfo=SEOUL)) - 120 * 24 * HOUR_US
    start_us = start + HOUR_US * np.arange(120 * 24)
    chance = np.random.default_rng(4)
    use = np.rint(1_000 + chance.normal(0, 20, len(start_us)))
    if surplus_from is not None:
        use[(start_us >= to_us(surplus_from)) & (start_us < to_us(surplus_to or at))] += 800
    return day_grid("m-1", (start_us, use), (SEOUL, ()), None, end)


def looked(one: machine.Ticket, at: datetime, surplus_from: datetime | None, surplus_to: datetime | None = None):
    return look(grid_until(at, surplus_from, surplus_to), [one], [], RULES, flows=False)


BEGIN = datetime(2026, 11, 19, 15, tzinfo=UTC)  # a local midnight


def test_a_finding_that_lasts_is_still_seen_against_the_days_before_it() -> None:
    later = AT + timedelta(days=30)
    seen = looked(ticket(since=BEGIN), later, BEGIN)
    assert ([one.kind for one in seen.found], seen.passed, seen.failed, seen.gone) == (["leak"], (), (), ())


def test_a_repair_that_holds_passes_after_its_quiet_days() -> None:
    mended = machine.repaired(ticket(since=BEGIN), "", "kim", AT)
    assert looked(mended, AT + timedelta(days=3), BEGIN, AT).passed == ()
    assert looked(mended, AT + timedelta(days=6), BEGIN, AT).passed == (mended,)


def test_a_repair_that_does_not_hold_fails_its_re_test() -> None:
    mended = machine.repaired(ticket(since=BEGIN), "", "kim", AT)
    assert looked(mended, AT + timedelta(days=2), BEGIN).failed == ()  # too early to tell
    (failed,) = looked(mended, AT + timedelta(days=5), BEGIN).failed
    assert failed[0] is mended


def test_what_went_by_itself_is_closed_after_a_while() -> None:
    one = ticket(since=BEGIN)
    assert looked(one, AT + timedelta(days=7), BEGIN, AT).gone == ()
    assert looked(one, AT + timedelta(days=16), BEGIN, AT).gone == (one,)


def an_hourly_year() -> tuple[HourlyRows, np.ndarray]:
    at = to_us(datetime(2025, 1, 1, tzinfo=SEOUL)) + HOUR_US * np.arange(8_760)
    hour, month_ = local_hours(at, 9 * HOUR_US)
    air = 12 - 14 * np.cos(2 * np.pi * np.arange(8_760) / 8_760)
    use = 100 + 50 * (hour % 24 > 8) + np.maximum(air - 18.5, 0) + np.random.default_rng(2).normal(0, 2, 8_760)
    return HourlyRows(air, use, hour, month_, np.arange(8_760) // 168, Hourly(knots=KNOTS_C, apart_min=1.0)), at


def test_a_gap_is_told_with_what_stands_in_for_it_and_how_sure_that_is() -> None:
    rows, at = an_hourly_year()
    true = rows.usage[3_100:3_130].sum()
    rows.usage[3_100:3_130] = np.nan
    rows.usage[5_000:5_400] = np.nan
    short, long = gaps_of(rows, at)
    assert (short.hours, short.why, to_us(short.start)) == (30, "filled", int(at[3_100]))
    assert short.low is not None
    assert short.high is not None
    assert short.low < true < short.high
    assert (long.why, long.amount) == ("too_long", None)


def test_a_gap_of_a_meter_without_a_model_is_told_with_the_reason() -> None:
    rows, at = an_hourly_year()
    few = rows.of(np.arange(400))
    few.usage[10:20] = np.nan
    (gap,) = gaps_of(few, at[:400])
    assert (gap.hours, gap.amount, gap.why) == (10, None, "too_few")
