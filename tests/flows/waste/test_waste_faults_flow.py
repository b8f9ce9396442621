"""Faults of a running city: from a sensor's readings to a ticket, its repair, the re-test, and closed or open again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from waste_running import WasteCity

from dure.core.errors import NotFound
from dure.engines.records import events
from dure.services.waste.devices.fill_watch import FillWatch
from dure.services.waste.driving import tap_records
from dure.services.waste.faults import fault_watch
from dure.services.waste.faults.fault_watch import FaultWatch
from dure.services.waste.model import Sighting
from dure.services.waste.tickets import ticket_desk

START = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 4


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    one = WasteCity(tmp_path_factory.mktemp("faults"), 8, START).start()
    one.sensors = FillWatch(one.house)
    one.faults = FaultWatch(one.house)
    for name in one.bins:
        say(one, name, sound(name, DAYS * 24))
    yield one
    one.stop()


def sound(name, n):
    """Levels of the last n hours of a bin that is well: it fills slowly, and its sensor scatters."""
    chance = np.random.default_rng(int(name[-2:]) + n)
    return np.clip(np.linspace(0.1, 0.1 + 0.004 * n, n) + chance.normal(0, 0.02, n), 0, 1)


def say(city, name, levels):
    """Readings by the hour until now."""
    now = city.clock.at
    city.filled(name, [(now - (len(levels) - 1 - n) * HOUR, float(level)) for n, level in enumerate(levels)])


def pass_time(city, hours, **levels):
    """Let hours pass in which every bin says that it is well, but for those given; then everybody looks."""
    city.later(hours=hours)
    for name in city.bins:
        said = levels.get(name.replace("-", "_"), sound(name, hours))
        if said is not None:
            say(city, name, said)
    return looked(city)


def looked(city):
    city.recorded()
    city.look(city.sensors)
    return city.look(city.faults)[0]


def tickets(city, name):
    with city.house.records.read() as connection:
        return ticket_desk.listing(connection, bin_id=name).items


def told(city, name):
    with city.house.records.read() as connection:
        found = events.listing(connection, subject=name).items
    return sorted(one.type.removeprefix("waste.ticket.") for one in found if one.type.startswith("waste.ticket."))


def tap(city, name, kind, ident, level=None):
    now = city.clock.at
    with city.house.records.begin() as connection:
        one = Sighting(id=ident, bin=name, kind=kind, seen_at=now, received_at=now, level=level, person="driver")
        tap_records.add(connection, [one])


def test_a_city_that_is_well_has_no_tickets(city):
    assert looked(city).opened == ()
    assert looked(city).opened == ()


def test_a_stuck_sensor_goes_from_its_readings_to_a_ticket_and_through_a_failed_repair_to_its_end(city):
    stuck = {"bin_01": [0.4] * 30}
    (ident,) = pass_time(city, 30, **stuck).opened
    assert looked(city).opened == ()
    found = city.asked("operator", "GET", f"/waste/tickets/{ident}")
    assert (found["bin"], found["fault"], found["state"]) == ("bin-01", "stuck", "open")
    city.asked("operator", "POST", f"/waste/tickets/{ident}/assign", json={"owner": "Team 1"})
    city.asked("operator", "POST", f"/waste/tickets/{ident}/repaired", json={"note": "cleaned", "parts": ["cable"]})
    assert pass_time(city, 30, **stuck).settled == (ident,)
    again = tickets(city, "bin-01")[0]
    assert (again.state, again.owner, again.facts.reopened_n) == ("assigned", "Team 1", 1)
    city.later(seconds=1)
    city.asked("operator", "POST", f"/waste/tickets/{ident}/repaired", json={"note": "a new sensor", "parts": ["sensor"]})
    assert pass_time(city, 10).settled == ()  # too early to say
    assert pass_time(city, 20).settled == (ident,)
    done = tickets(city, "bin-01")[0]
    assert (done.state, done.facts.outcome) == ("closed", "repaired")
    assert told(city, "bin-01") == ["assigned", "closed", "opened", "reopened", "repaired", "repaired"]


def test_a_silent_bin_that_speaks_again_closes_its_ticket_by_itself(city):
    (ident,) = pass_time(city, 20, bin_02=None).opened
    assert tickets(city, "bin-02")[0].fault == "silent"
    with city.house.records.read() as connection:
        assert ident in {one.id for one in ticket_desk.unsettled(connection, bin_id="bin-02")}
    closed = [pass_time(city, 8).settled for _ in range(2)]
    assert (ident,) in closed
    assert tickets(city, "bin-02")[0].facts.outcome == "gone"


def test_many_bins_that_fall_silent_together_are_the_network_and_no_tickets(city):
    away = {name.replace("-", "_"): None for name in city.bins[2:]}
    result = pass_time(city, 20, **away)
    assert result.opened == ()
    assert len(result.outages[0].bins) == 6
    assert pass_time(city, 8).outages[0].bins == result.outages[0].bins  # remembered for a day and a half
    assert all(not tickets(city, name) for name in city.bins[2:])


def test_what_a_driver_calls_broken_is_a_ticket_that_a_crew_that_empties_it_settles(city):
    tap(city, "bin-03", "broken", "tap-broken")
    (ident,) = looked(city).opened
    assert ident == "broken-bin-03-tap-broken"
    city.asked("operator", "POST", f"/waste/tickets/{ident}/repaired", json={"note": "lid"})
    assert pass_time(city, 2).settled == ()
    tap(city, "bin-03", "emptied", "tap-emptied", 0.25)
    assert looked(city).settled == (ident,)
    assert looked(city).opened == ()


def test_a_bin_without_a_sensor_has_tickets_too(city):
    tap(city, "bin-far", "blocked", "tap-far")
    (ident,) = looked(city).opened
    assert tickets(city, "bin-far")[0].fault == "no_access"
    city.later(hours=2)
    tap(city, "bin-far", "emptied", "tap-far-emptied", 0.5)
    assert looked(city).settled == (ident,)


def test_bins_have_their_turns_and_each_is_looked_at(city, monkeypatch):
    monkeypatch.setattr(fault_watch, "BINS_LEAST", 3)
    watch = FaultWatch(city.house)
    pass_time(city, 1)
    seen = []
    for _ in range(3):
        city.look(watch)
        seen.append(len(watch._city))  # noqa: SLF001  # whom it knows by now
    assert seen == [3, 6, 8]


def test_a_new_watch_opens_nothing_twice(city):
    before = {one.id for name in city.bins for one in tickets(city, name)}
    city.look(FaultWatch(city.house))
    assert {one.id for name in city.bins for one in tickets(city, name)} == before


def test_an_unknown_ticket_is_refused(city):
    with pytest.raises(NotFound), city.house.records.read() as connection:
        ticket_desk.get(connection, "nothing")
    assert city.asked("operator", "GET", "/waste/tickets/nothing", status=404)["code"] == "ticket.unknown"
