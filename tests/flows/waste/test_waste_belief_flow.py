"""Beliefs of a running city: readings and taps move them once, late taps find their place, and a restart goes on from there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from city_running import CityRunning, settings_of, write_city

from dure.core.observations import Reading
from dure.engines.records import assets
from dure.running.parts import ALL
from dure.services.waste.belief import belief_records
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.belief_watch import BeliefWatch, read_beliefs, read_forecast
from dure.services.waste.belief.learn import without_history
from dure.services.waste.bins import bins_of
from dure.services.waste.driving import tap_records
from dure.services.waste.model import Sighting
from dure.spine.directory import IMPORTER

HEAD = "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,stream,capacity_l"


class QuietCity(CityRunning):
    """A city whose rounds of waste are called by the test, not by the time."""

    parts = ALL - {"waste"}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beliefs")
    write_city(folder / "city", ["st-01"])
    rows = [f"bin-{n},bin,통 {n},Bin {n},126.9,37.2,live,dev-bin-{n},,,general,100" for n in range(1, 12)]
    (folder / "city" / "assets" / "waste.csv").write_text("\n".join([HEAD, *rows]) + "\n", "utf-8")
    one = QuietCity(settings_of(folder)).start()
    yield one
    one.stop()


def ago(**given):
    return datetime.now(UTC) - timedelta(**given)


def sensed(city, bin_id, *rows, name="fill_fraction"):
    """Readings of a bin, as (hours ago, value)."""
    readings = [Reading(name, value, ago(hours=hours), bin_id) for hours, value in rows]
    city.call(city.house.intake.accept(IMPORTER, readings, way="import", received_at=datetime.now(UTC)))
    city.recorded()


def tapped(city, bin_id, hours, level=None, *, kind="emptied", received_hours=0.0):
    one = Sighting(
        id=f"{bin_id}-{kind}-{hours}",
        bin=bin_id,
        kind=kind,
        seen_at=ago(hours=hours),
        received_at=ago(hours=received_hours),
        level=level,
    )
    with city.house.records.begin() as connection:
        tap_records.add(connection, [one])
    return one


def bins(city):
    with city.house.records.read() as connection:
        page = assets.listing(connection, assets.Wanted(kinds=["bin"]))
    return bins_of(page.items).bins


def expected(city, bin_id, at=None):
    """Forecast of one bin from the records: level, risk, age."""
    with city.house.records.read() as connection:
        found = read_forecast(connection, bins(city), at or datetime.now(UTC))
    row = found.bins.index(bin_id)
    return found.level[row], found.risk[row], found.age_d[row]


def looked(city, watch=None):
    watch = watch or BeliefWatch(city.house)
    return city.call(watch.look())


def test_readings_move_the_belief_once_and_a_restart_goes_on_from_there(city):
    watch = BeliefWatch(city.house)
    looked(city, watch)
    sensed(city, "bin-1", (30, 0.2), (20, 0.3), (1, 0.5))
    assert looked(city, watch) == 1
    assert looked(city, watch) == 0
    assert looked(city) == 0, "a restart takes nothing twice"
    level, _, age_d = expected(city, "bin-1")
    assert level == pytest.approx(0.5, abs=0.05)
    assert age_d == pytest.approx(1 / 24, abs=0.01)
    later = expected(city, "bin-1", ago(hours=-72))
    assert later[0] > level
    assert later[1] > expected(city, "bin-1")[1]


def test_a_tap_empties_and_a_report_raises(city):
    sensed(city, "bin-2", (5, 0.8))
    watch = BeliefWatch(city.house)
    looked(city, watch)
    assert expected(city, "bin-2")[0] > 0.75
    tapped(city, "bin-2", 1, 0.75)
    looked(city, watch)
    assert expected(city, "bin-2")[0] < 0.1
    tapped(city, "bin-2", 0.01, kind="report")
    looked(city, watch)
    assert expected(city, "bin-2")[0] > 0.3


def test_a_tap_that_comes_eight_hours_late_finds_its_place(city):
    watch = BeliefWatch(city.house)
    sensed(city, "bin-3", (20, 0.9))
    looked(city, watch)
    tapped(city, "bin-3", 2, kind="report", received_hours=1)
    looked(city, watch)
    assert expected(city, "bin-3")[0] > 0.9
    tapped(city, "bin-3", 8, 1.0)
    tapped(city, "bin-3", 1.5, 0.25, kind="level")
    looked(city, watch)
    in_order = expected(city, "bin-3")[0]
    assert in_order < 0.5
    assert expected(city, "bin-3")[0] == pytest.approx(in_order, abs=0.01)
    assert looked(city, watch) == 0


def test_a_tap_taken_back_counts_no_longer(city):
    watch = BeliefWatch(city.house)
    sensed(city, "bin-4", (6, 0.7))
    looked(city, watch)
    tap = tapped(city, "bin-4", 2, 0.75)
    looked(city, watch)
    assert expected(city, "bin-4")[0] < 0.1
    with city.house.records.begin() as connection:
        tap_records.undo(connection, tap, "crew-1", datetime.now(UTC))
    looked(city, watch)
    assert expected(city, "bin-4")[0] == pytest.approx(0.72, abs=0.05)


def test_every_night_is_learnt_anew_and_kept(city):
    sensed(city, "bin-5", *((24 * day + 1, 0.9 - 0.1 * (day % 9)) for day in range(30, 0, -1)))
    watch = BeliefWatch(city.house)
    looked(city, watch)
    with city.house.records.begin() as connection:
        connection.execute(belief_records.waste_models.delete())
    looked(city)
    with city.house.records.read() as connection:
        known = belief_records.newest_learned(connection)
    assert known is not None
    assert known[0].pairs > 15
    assert known[0].bins["bin-5"].rate_per_day == pytest.approx(0.1, abs=0.04)


def test_what_was_learnt_of_nothing_is_learnt_again_as_soon_as_there_is_a_history(city):
    sensed(city, "bin-5", *((24 * day + 1, 0.9 - 0.1 * (day % 9)) for day in range(30, 0, -1)))
    with city.house.records.begin() as connection:
        connection.execute(belief_records.waste_models.delete())
        empty = without_history(belief_rules(datetime.now(UTC).date()), 32_400)
        belief_records.store_learned(connection, empty, ago(minutes=1))
    watch = BeliefWatch(city.house)
    looked(city, watch)
    with city.house.records.read() as connection:
        assert belief_records.newest_learned(connection)[0].pairs == 0, "a minute ago is too lately"
    with city.house.records.begin() as connection:
        connection.execute(belief_records.waste_models.update().values(learnt_at=ago(minutes=3)))

    looked(city, BeliefWatch(city.house))

    with city.house.records.read() as connection:
        assert belief_records.newest_learned(connection)[0].pairs > 15


def test_counters_and_levels_that_cannot_be_lose_nothing(city):
    watch = BeliefWatch(city.house)
    sensed(city, "bin-6", (4, 0.3), (3, 5.0), (2, None))
    sensed(city, "bin-6", (4, 10.0), (1, 12.0), name="deposits_total")
    looked(city, watch)
    level, risk, _ = expected(city, "bin-6")
    assert level > 0.5, "two deposits of a third each in a bin of 100 L"
    assert np.isfinite(risk)


def fell_hours_ago(city, bin_id):
    """When the level of a bin last fell, by its belief that is kept."""
    with city.house.records.read() as connection:
        found = read_beliefs(connection, bins(city), datetime.now(UTC))
    return (datetime.now(UTC).timestamp() * 1e6 - found.fell_us[found.rows[bin_id]]) / 3.6e9


def test_a_past_that_comes_at_once_after_a_tap_is_put_before_it_not_refused(city):
    watch = BeliefWatch(city.house)
    looked(city, watch)
    tapped(city, "bin-8", 2, 0.5)
    assert looked(city, watch) == 1
    sensed(city, "bin-8", *((hours, 0.1 + (240 - hours) / 24 * 0.04) for hours in range(240, 2, -1)), (1, 0.1))
    assert looked(city, watch) == 1
    assert looked(city, watch) == 0
    assert expected(city, "bin-8")[0] == pytest.approx(0.1, abs=0.05)
    assert fell_hours_ago(city, "bin-8") == pytest.approx(2, abs=0.1)


def test_what_a_gateway_kept_while_it_was_away_is_put_in_its_place(city):
    watch = BeliefWatch(city.house)
    sensed(city, "bin-9", (10, 0.3), (0.5, 0.33))
    looked(city, watch)
    assert fell_hours_ago(city, "bin-9") > 1e6
    sensed(city, "bin-9", (8, 0.6), (6, 0.9), (4, 0.05), (2, 0.2))
    assert looked(city, watch) == 1
    assert fell_hours_ago(city, "bin-9") == pytest.approx(4, abs=0.1)
    assert expected(city, "bin-9")[0] == pytest.approx(0.33, abs=0.05)
    assert looked(city, watch) == 0


def test_what_came_late_while_nobody_looked_is_found_after_a_restart(city):
    sensed(city, "bin-10", (10, 0.3), (0.5, 0.33))
    looked(city)
    sensed(city, "bin-10", (6, 0.9), (4, 0.05))
    watch = BeliefWatch(city.house)
    assert looked(city, watch) >= 1
    assert fell_hours_ago(city, "bin-10") == pytest.approx(4, abs=0.1)
    assert looked(city, watch) == 0


def test_a_bin_that_joins_with_a_long_past_is_believed_from_it_once(city):
    watch = BeliefWatch(city.house)
    looked(city, watch)
    sensed(city, "bin-11", *((12 * n + 1, 0.05 * (100 - n) % 0.9) for n in range(100, 0, -1)))
    assert looked(city, watch) == 1
    assert looked(city, watch) == 0
    assert expected(city, "bin-11")[2] == pytest.approx(13 / 24, abs=0.01)
