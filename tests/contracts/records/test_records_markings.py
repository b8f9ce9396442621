"""A person marks values: on both record stores, beside a real telemetry file."""

from datetime import UTC, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from dure.core.errors import InputError
from dure.core.observations import Batch, Check, Flag
from dure.core.properties import Properties
from dure.core.time import to_us
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.telemetry.duckdb import DuckTelemetry
from dure.services.environment.faults import findings, markings
from dure.services.environment.faults.markings import Marking
from dure.services.environment.model import PROPERTIES

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
NOW_US = to_us(NOW)
KEY = ("a", "pm10")
# value, flag, check of the rows of six minutes
ROWS = [
    (40.0, Flag.GOOD, Check.NONE),
    (90.0, Flag.SUSPECT, Check.UNLIKE_NEIGHBOURS),
    (91.0, Flag.FAIL, Check.UNIT_DOUBTFUL),
    (9_999.0, Flag.FAIL, Check.ABOVE_POSSIBLE),
    (np.nan, Flag.MISSING, Check.MISSING_VALUE),
    (42.0, Flag.NOT_EVALUATED, Check.QUARANTINE),
]


@pytest.fixture
def house(records, tmp_path):
    telemetry = DuckTelemetry(tmp_path / "telemetry.duckdb")
    n = len(ROWS)
    value, flag, check = (np.array(column) for column in zip(*ROWS, strict=True))
    time_us = NOW_US + 60_000_000 * np.arange(n, dtype=np.int64)
    series, seq = np.zeros(n, np.int32), np.arange(1, n + 1)
    telemetry.append(Batch([KEY], series, time_us, time_us, value, flag.astype(np.uint8), check.astype(np.uint8), seq), {})
    yield SimpleNamespace(records=records, telemetry=telemetry, properties=Properties(PROPERTIES))
    telemetry.close()


def marked(house, word, note="seen on site", **more):
    wanted = Marking(asset="a", property="pm10", start_us=NOW_US, end_us=NOW_US + 3_600_000_000, word=word, note=note, **more)
    return markings.mark(house, wanted, By("kim", NOW))


def minutes(revisions):
    return ((revisions.time_us - NOW_US) // 60_000_000).tolist()


def test_a_release_frees_what_checks_held_but_nothing_impossible_missing_or_on_trial(house):
    found = marked(house, "release")
    assert minutes(found) == [1, 2]
    assert set(found.flag.tolist()) == {Flag.GOOD}
    assert set(found.check.tolist()) == {Check.RELEASED_BY_PERSON}


def test_a_release_of_one_check_frees_nothing_else(house):
    assert minutes(marked(house, "release", only=int(Check.UNIT_DOUBTFUL))) == [2]


def test_values_held_by_a_person_are_failed_and_say_who_and_why(house):
    found = marked(house, "hold")
    assert minutes(found) == [0, 1, 2, 3, 5]
    assert set(found.flag.tolist()) == {Flag.FAIL}
    with house.records.read() as connection:
        (newest, *_) = findings.verdicts_of(connection, [KEY], NOW_US, NOW_US + 3_600_000_000)
        (entry,) = audit.listing(connection, object_id="a").items
    assert newest.detail == {"by": "kim", "note": "seen on site"}
    assert entry.detail["marked"]["values"] == 5


def test_a_marking_of_nothing_leaves_no_trace(house):
    assert len(marked(house, "release", only=int(Check.DRIFTING))) == 0


@pytest.mark.parametrize(
    ("note", "property_id", "code"), [("  ", "pm10", "marking.note"), ("why", "nonsense", "property.unknown")]
)
def test_a_marking_without_a_reason_or_of_an_unknown_property_is_refused(house, note, property_id, code):
    wanted = Marking(asset="a", property=property_id, start_us=NOW_US, end_us=NOW_US + 1, word="hold", note=note)
    with pytest.raises(InputError) as refused:
        markings.mark(house, wanted, By("kim", NOW))
    assert refused.value.code == code


def test_more_values_than_one_marking_may_change_are_refused(house, monkeypatch):
    monkeypatch.setattr(markings, "ROWS_MAX", 3)
    with pytest.raises(InputError) as refused:
        marked(house, "hold")
    assert refused.value.code == "marking.too_many"
