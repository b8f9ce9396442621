"""Readings that came when later ones were taken already are found, each bin in its turn; a restart forgets nothing."""

from __future__ import annotations

import numpy as np
import pytest

from dure.engines.telemetry.port import SeriesColumns
from dure.services.waste.belief.observations import Seen
from dure.services.waste.belief.state import Kind
from dure.services.waste.belief.taken import Taken


def past(*times, received=None, flags=None):
    time_us = np.array(times, np.int64)
    n = len(times)
    return SeriesColumns(
        time_us,
        time_us if received is None else np.array(received, np.int64),
        np.full(n, 0.5),
        np.array(flags or [1] * n, np.uint8),
        np.zeros(n, np.uint8),
        np.zeros(n, np.int64),
    )


def seen(*times):
    return [Seen("b", Kind.SENSOR, at_us, 0.5) for at_us in times]


@pytest.fixture
def taken():
    one = Taken()
    one.renew(["b"], seen(10, 20))
    one.add(seen(30))
    return one


def test_what_was_taken_does_not_differ(taken):
    assert not taken.differs("b", Kind.SENSOR, past(10, 20, 30, 40), 30)
    assert not taken.differs("b", Kind.SENSOR, past(), 30)


def test_what_appeared_between_is_found_once(taken):
    assert taken.differs("b", Kind.SENSOR, past(10, 15, 20, 30), 30)
    assert not taken.differs("b", Kind.SENSOR, past(10, 15, 20, 30), 30)


def test_what_was_found_to_be_wrong_since_is_found_too(taken):
    assert taken.differs("b", Kind.SENSOR, past(10, 20, 30, flags=[1, 4, 1]), 30)


def test_what_telemetry_no_longer_keeps_is_no_difference(taken):
    assert not taken.differs("b", Kind.SENSOR, past(20, 30), 30)


def test_after_a_restart_what_was_received_before_the_belief_was_kept_counts_as_taken():
    taken = Taken()
    taken.begin({"b": 100})
    assert not taken.differs("b", Kind.SENSOR, past(10, 20, received=[11, 99]), 20)
    assert taken.differs("b", Kind.SENSOR, past(10, 15, 20, received=[11, 101, 99]), 20)
    taken.compared("b")
    assert not taken.differs("b", Kind.SENSOR, past(10, 15, 20, received=[11, 101, 99]), 20)


def test_a_new_beginning_forgets_bins_that_are_gone_and_keeps_the_known(taken):
    taken.begin({"b": 5, "c": 5})
    assert not taken.differs("b", Kind.SENSOR, past(10, 20, 30), 30)
    taken.begin({"c": 5})
    taken.begin({"b": 5, "c": 5})
    assert taken.differs("b", Kind.SENSOR, past(10, 20, received=[11, 21]), 30)
