"""Figures unfold to what they were made of, by running the pure functions again; what differs from what is kept is told."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from fractions import Fraction

import msgspec
import pytest
from explained_city import BUILDINGS, KNOWN, METERS, MONTHS, NOW, SITES, explained_city
from sqlalchemy import update

from dure.core.errors import NotFound
from dure.core.time import to_us
from dure.engines.records.tables_buildings import building_months
from dure.services.buildings.comparing.compare_rules import compare_rules
from dure.services.buildings.comparing.eui import eui
from dure.services.buildings.explaining.explain import explain
from dure.services.buildings.explaining.explanation import digest
from dure.services.buildings.factors.carbon import carbon_book
from dure.services.buildings.months.portfolio import portfolio

SPAN = f"{MONTHS[0]}..{MONTHS[-1]}"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = explained_city(tmp_path_factory.mktemp("explained"))
    yield one
    one.close()


def asked(city, figure, as_of=None):
    return explain(city.books, figure, as_of)


def rows_of(city, as_of=None):
    with city.records.read() as connection:
        return portfolio(None, connection, SITES, MONTHS[0], MONTHS[-1], as_of=as_of)


def all_steps(step):
    yield step
    for part in step.parts:
        yield from all_steps(part)


# --- a month -------------------------------------------------------------------------------------------------------


def test_a_month_unfolds_to_its_readings_and_agrees_with_what_is_kept(city):
    found = asked(city, "meter/el/month/2026-05")
    (readings,) = found.step.readings
    rows = city.telemetry.series(("el", "electricity_use"), to_us(readings.start), to_us(readings.end))
    assert (found.agrees, found.step.value, found.step.stored) == (True, int(rows.value.sum()), int(rows.value.sum()))
    assert (readings.asset, readings.property, readings.n, readings.usable) == ("el", "electricity_use", 744, 744)
    assert readings.sha256 == digest(rows)
    assert readings.start.isoformat() == "2026-04-30T15:00:00+00:00"
    assert "dure" in found.versions


def test_a_billed_month_names_the_rows_of_the_files_it_is_made_of(city):
    step = asked(city, "meter/gas/month/2026-05").step
    assert [(one.name, one.row) for one in step.documents] == [("file-1", 8), ("file-1", 9)]
    assert (step.agrees, step.readings) == (True, ())
    assert "추정" in step.notes[0].ko


def test_a_virtual_meter_unfolds_to_its_terms(city):
    step = asked(city, "meter/el-rest/month/2026-05").step
    assert [part.figure for part in step.parts] == ["meter/el/month/2026-05", "meter/el-sub/month/2026-05"]
    assert step.value == step.parts[0].value - step.parts[1].value
    assert step.whole


def test_what_was_known_then_is_explained_as_it_was_then(tmp_path):
    city = explained_city(tmp_path)
    before = asked(city, "meter/el/month/2026-05")
    hour = to_us(datetime.fromisoformat("2026-05-10T03:00:00Z"))
    later = KNOWN + timedelta(days=3)
    city.booked("el", hour + 1, [777], later)
    city.made("el", ["2026-05"], later + timedelta(hours=1))
    after = asked(city, "meter/el/month/2026-05")
    assert (after.step.value, after.agrees) == (before.step.value + 777, True)
    again = asked(city, "meter/el/month/2026-05", KNOWN + timedelta(days=1))
    assert (again.step.value, again.step.readings, again.agrees) == (before.step.value, before.step.readings, True)
    interval = asked(city, "meter/el/interval/2026-05-10T03:00:00Z").step
    assert [part.value for part in interval.parts] == [interval.value - 777, 777]
    assert asked(city, "meter/el/interval/2026-05-10T03:00:00Z", KNOWN).step.value == interval.value - 777
    city.close()


def test_a_kept_month_that_nobody_can_make_again_is_told_with_both_values(tmp_path):
    city = explained_city(tmp_path)
    with city.records.begin() as connection:
        where = (building_months.c.meter == "el", building_months.c.month == "2026-05")
        connection.execute(update(building_months).where(*where).values(amount=1_234_567))
    found = asked(city, "meter/el/month/2026-05")
    assert (found.agrees, found.step.stored) == (False, 1_234_567)
    assert found.step.value != 1_234_567
    assert any("1234567" in note.en for note in found.step.notes)
    whole = asked(city, "building/hall/energy/2026-05..2026-05")
    assert whole.agrees is False
    (month,) = [step for step in all_steps(whole.step) if step.name.ko == "2026-05" and not step.agrees]
    assert (month.stored, month.value) == (1_234_567, found.step.value)
    city.close()


# --- sums ----------------------------------------------------------------------------------------------------------


def test_energy_of_a_building_is_the_sum_screens_show_and_every_part_agrees(city):
    found = asked(city, f"building/hall/energy/{SPAN}")
    shown = sum(row.energy_wh or 0 for row in rows_of(city) if row.building == "hall")
    assert (found.step.value, found.step.unit, found.agrees) == (shown, "Wh", True)
    assert [part.name.en for part in found.step.parts] == ["Electricity (el)", "City gas (gas)", "Diesel oil (oil)"]
    assert all(len(part.parts) == len(MONTHS) for part in found.step.parts)
    assert all(part.value == sum(one.value for one in part.parts) for part in found.step.parts)


def test_sub_meters_and_water_are_not_in_the_energy(city):
    names = {step.name.ko for step in all_steps(asked(city, f"building/hall/energy/{SPAN}").step)}
    assert not any("el-sub" in name or "water" in name for name in names)


def test_carbon_says_the_row_of_the_factor_and_makes_the_grams_the_books_make(city):
    found = asked(city, f"building/hall/carbon/{SPAN}")
    shown = sum(row.co2e_g or 0 for row in rows_of(city) if row.building == "hall")
    assert (found.step.value, found.step.unit, found.agrees) == (shown, "gCO2e", True)
    month = found.step.parts[0].parts[-1]
    row = month.rows[0]
    book = carbon_book(None, NOW.date())
    factor = book.factor(METERS["el"], date(2026, 10, 1))
    assert (row.id, row.source, row.mark, row.published_at) == (factor.id, factor.source, factor.mark, factor.published_at)
    assert month.value == round(Fraction(month.parts[0].value) * Fraction(str(row.value)) / 1000)


def test_oil_says_the_calorific_value_its_energy_came_by(city):
    step = asked(city, "building/hall/energy/2026-05..2026-05?fuel=diesel").step
    rows = step.parts[0].parts[0].rows
    assert [row.id.rpartition("/")[2] for row in rows] == ["diesel"]


def test_one_fuel_may_be_asked_for(city):
    whole = asked(city, f"building/hall/energy/{SPAN}").step
    gas = asked(city, f"building/hall/energy/{SPAN}?fuel=city_gas").step
    assert [part.name.en for part in gas.parts] == ["City gas (gas)"]
    assert gas.value == whole.parts[1].value


def test_money_is_what_the_bills_say(city):
    step = asked(city, "building/hall/won/2026-03..2026-03").step
    assert step.unit == "won"
    shown = [row.won or 0 for row in rows_of(city) if (row.building, row.month) == ("hall", "2026-03")]
    assert step.value == sum(shown) > 0


def test_a_body_and_the_city_are_sums_over_buildings_each_a_figure_of_its_own(city):
    whole = asked(city, f"portfolio/carbon/{SPAN}").step
    body = asked(city, f"body/화성시/carbon/{SPAN}").step
    assert whole.value == body.value == sum(row.co2e_g or 0 for row in rows_of(city))
    assert [part.figure for part in body.parts] == [f"building/{name}/carbon/{SPAN}" for name in ("hall", "lib")]
    assert all(part.value == asked(city, part.figure).step.value for part in body.parts)


# --- intensity and grade -------------------------------------------------------------------------------------------


def test_intensity_is_energy_over_area(city):
    step = asked(city, f"building/lib/eui/{SPAN}").step
    energy, area = step.parts
    assert (area.value, step.unit, step.whole) == (900, "kWh/m2", True)
    assert step.value == pytest.approx(energy.value / 1000 / 900)


@pytest.mark.parametrize("name", ["hall", "lib"])
def test_intensity_is_the_one_that_rankings_show(city, name):
    rules = compare_rules(date(2026, 10, 1))
    shown = eui(BUILDINGS[name], rows_of(city), MONTHS[-1], rules)
    assert asked(city, f"building/{name}/eui/{SPAN}").step.value == pytest.approx(shown.kwh_m2, abs=1e-6)


def test_a_grade_unfolds_to_its_intensity_and_the_target_it_is_judged_by(city):
    step = asked(city, "building/hall/grade/2026-10").step
    assert step.value in set("ABCDE")
    intensity, target = step.parts
    assert intensity.whole
    assert target.value == 83.8
    assert {row.id.split("/")[1] for row in step.rows} >= {"grades"}


def test_a_building_without_target_and_peers_has_no_grade_and_says_so(city):
    step = asked(city, "building/lib/grade/2026-10").step
    assert step.value is None
    assert step.formula.en


# --- what is not there ---------------------------------------------------------------------------------------------

UNKNOWN = [
    "meter/nobody/month/2026-05", "meter/el/month/2019-05", "building/nobody/energy/2026", "building/hall/energy/2001",
    "body/nobody/carbon/2026", "building/hall/eui/2026-05..2026-05", "meter/el/interval/2019-05-01T00:00:00Z", "x",
]  # fmt: skip


@pytest.mark.parametrize("figure", UNKNOWN)
def test_a_figure_of_which_nothing_is_known_is_refused(city, figure):
    with pytest.raises(NotFound) as caught:
        asked(city, figure)
    assert caught.value.code == "figure.unknown"


def test_an_explanation_is_the_same_every_time_and_can_be_written_down(city):
    one, other = (msgspec.json.encode(asked(city, f"building/hall/carbon/{SPAN}")) for _ in range(2))
    assert hashlib.sha256(one).digest() == hashlib.sha256(other).digest()
    assert msgspec.json.decode(one)["step"]["parts"]
