from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from dure.core.time import to_us
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.waste.belief import belief_records
from dure.services.waste.belief.belief import (
    Beliefs,
    Kind,
    Seen,
    forecast,
    learn,
    observations_of,
    observe,
    start,
    without_history,
)
from dure.services.waste.belief.belief_rules import belief_rules
from dure.services.waste.belief.history import history_of
from dure.services.waste.driving import tap_records
from dure.services.waste.model import Bin, Sighting

RULES = belief_rules(date(2026, 11, 24))
BINS = [Bin(id=f"bin-{n}", lon=127.0, lat=37.2, bin_class="market" if n % 2 else "park") for n in range(4)]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def believed(by: By, hours: int = 0) -> Beliefs:
    """Bins that were seen, counted, emptied, and one that never was."""
    at_us = to_us(by.at + hours * HOUR)
    beliefs = start(BINS, without_history(RULES), by.at, RULES)
    seen = [
        Seen("bin-0", Kind.SENSOR, at_us, 0.6),
        Seen("bin-0", Kind.SENSOR, at_us + 1_000, 0.1),
        Seen("bin-1", Kind.DEPOSITS, at_us, 40.0),
        Seen("bin-2", Kind.EMPTIED, at_us, float("nan")),
    ]
    return observe(beliefs, observations_of(seen, beliefs.rows, at_us + 1_000, RULES.seeing))


def test_beliefs_come_back_as_they_were_kept(records: Records, by: By) -> None:
    beliefs = believed(by)
    with records.begin() as connection:
        belief_records.store_beliefs(connection, beliefs)

    with records.read() as connection:
        again, new = belief_records.load_beliefs(connection, BINS, beliefs.learned, by.at, RULES)

    assert new == frozenset()
    for name in ("level", "sd", "anchor_us", "risen", "awaited", "paced_us", "fell_us", "sure", "last_us", "read_us", "slips"):
        np.testing.assert_array_equal(getattr(again, name), getattr(beliefs, name), name)
    np.testing.assert_array_equal(again.totals, beliefs.totals)
    np.testing.assert_array_equal(again.fell_from, beliefs.fell_from)


def test_a_forecast_read_is_the_forecast_of_what_was_kept(records: Records, by: By) -> None:
    beliefs = believed(by)
    with records.begin() as connection:
        belief_records.store_learned(connection, beliefs.learned, by.at)
        belief_records.store_beliefs(connection, beliefs)

    with records.read() as connection:
        found = belief_records.read_forecast(connection, BINS, by.at + DAY, 2.0, rules=RULES, faults={"bin-1": "stuck"})

    expected = forecast(beliefs, by.at + DAY, 2.0, {"bin-1": "stuck"})
    assert (found.bins, found.health) == (expected.bins, expected.health)
    np.testing.assert_array_equal(found.risk, expected.risk)
    np.testing.assert_array_equal(found.level, expected.level)


def test_bins_without_a_belief_have_an_answer_and_are_named(records: Records, by: By) -> None:
    with records.read() as connection:
        _, new = belief_records.load_beliefs(connection, BINS, without_history(RULES), by.at, RULES)
        found = belief_records.read_forecast(connection, BINS, by.at, rules=RULES)
        assert belief_records.newest_learned(connection) is None

    assert new == {one.id for one in BINS}
    assert np.isnan(found.age_d).all()
    assert ((found.risk >= 0) & (found.risk <= 1)).all()


def test_only_the_rows_named_are_kept_and_an_older_belief_never_replaces_a_newer(records: Records, by: By) -> None:
    newer, older = believed(by, hours=5), believed(by)
    with records.begin() as connection:
        belief_records.store_beliefs(connection, newer, [0])
        belief_records.store_beliefs(connection, older, [0, 1])

    with records.read() as connection:
        again, new = belief_records.load_beliefs(connection, BINS, newer.learned, by.at, RULES)

    assert new == {"bin-2", "bin-3"}
    assert again.anchor_us[0] == newer.anchor_us[0]
    assert again.last_us[1, Kind.DEPOSITS] == older.last_us[1, Kind.DEPOSITS]


def test_the_newest_learning_is_in_force_and_old_ones_go(records: Records, by: By) -> None:
    rows = [(one.id, to_us(by.at) + day * 86_400_000_000, 0.1 * day, False) for one in BINS for day in range(6)]
    learned = learn(history_of(rows, {one.id: one.bin_class for one in BINS}), rules=RULES)
    with records.begin() as connection:
        for day in range(belief_records.KEPT_N + 3):
            belief_records.store_learned(connection, without_history(RULES), by.at + day * DAY)
        belief_records.store_learned(connection, learned, by.at + 90 * DAY)
        belief_records.store_learned(connection, learned, by.at, belief_records.PRIOR)

    with records.read() as connection:
        assert belief_records.newest_learned(connection) == (learned, by.at + 90 * DAY)
        assert belief_records.newest_learned(connection, belief_records.PRIOR) == (learned, by.at)


def test_sightings_are_read_by_receipt_and_by_instant_and_those_taken_back_are_told(records: Records, by: By) -> None:
    taps = [
        Sighting(id=f"tap-{n}", bin=f"bin-{n}", kind="emptied", seen_at=by.at + n * HOUR, received_at=by.at + 8 * HOUR, level=0.5)
        for n in range(3)
    ]
    with records.begin() as connection:
        tap_records.add(connection, taps)
        tap_records.undo(connection, taps[1], "person-1", by.at + 9 * HOUR)

    with records.read() as connection:
        assert [one.id for one in belief_records.sightings_received(connection, by.at, by.at + 8 * HOUR)] == ["tap-0", "tap-2"]
        assert [one.id for one in belief_records.sightings_received(connection, by.at + 8 * HOUR, by.at + DAY)] == ["tap-1"]
        assert [one.id for one in belief_records.sightings_seen(connection, by.at - HOUR)] == ["tap-0", "tap-2"]
        assert [one.id for one in belief_records.sightings_seen(connection, by.at, ["bin-2", "bin-1"])] == ["tap-2"]
