"""Judgement: messages of the bus become flagged rows, or are parked with a reason."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spine_book import NOW, NOW_US, Book, properties_of

from dure.core.observations import Check, Flag, Revisions
from dure.core.properties import Properties
from dure.core.time import format_instant, from_us
from dure.engines.bus.packing import Packed, pack, unpack
from dure.spine import flags
from dure.spine.judge import Judge
from dure.spine.rows import Columns, Rows, encode


class Message(msgspec.Struct, frozen=True):
    """A message of the bus."""

    subject: str
    payload: bytes
    seq: int = 1
    time_us: int = NOW_US


def opened(payload):
    return [(one.device, one.received_us, one.payload) for one in unpack(payload)]


def judge_of(book, properties=None):
    return Judge(book, properties or properties_of(), opened)


def raw(payload, device="dev-1", seq=1):
    body = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return Message(f"raw.city.3.{device}", body, seq)


def cell(value, minute=0, property_id="air_temperature", **more):
    return {"property": property_id, "value": value, "time": format_instant(NOW - timedelta(minutes=minute))} | more


def rows_of(judged):
    batch = judged.batch
    return [
        (*batch.keys[series], value, flag, check, seq)
        for series, value, flag, check, seq in zip(
            *(column.tolist() for column in (batch.series, batch.value, batch.flag, batch.check, batch.seq)), strict=True
        )
    ]


def codes(judged):
    return [item.code for item in judged.parked]


def as_rows(keys, values, device="dev-1", seq=1):
    n = len(values)
    columns = Columns(keys, np.zeros(n, np.int32), NOW_US - np.arange(n, dtype=np.int64), np.array(values, np.float64))
    return Message(f"rows.city.3.{device}", encode(Rows("http", NOW_US, columns)), seq)


T = ("st-1", "air_temperature")


def test_a_devices_own_message_becomes_rows_and_its_bad_cells_are_parked(book):
    judged = judge_of(book).judge([raw([cell(20), cell("hot", 1), cell(1, 2, "no_such"), cell(None, 3), cell(99, 4)], seq=7)])
    assert [row[2:5] for row in rows_of(judged) if row[2] == row[2]] == [
        (20.0, Flag.GOOD, Check.NONE),
        (99.0, Flag.FAIL, Check.ABOVE_POSSIBLE),
    ]
    assert judged.batch.flag.tolist().count(Flag.MISSING) == 1
    assert sorted(codes(judged)) == ["property.unknown", "reading.value_not_a_number"]
    assert {item.device for item in judged.parked} == {"dev-1"}
    assert {row[5] for row in rows_of(judged)} == {7}


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (raw(b"{"), "reading.json_broken"),
        (raw(b'{"property":"\xff"}'), "reading.utf8_broken"),
        (raw(b'{"property":"pm10","value":NaN}'), "reading.value_not_finite"),
        (raw(cell(20), "dev-9"), "device.unknown"),
        (Message("rows.city.3.dev-1", b"\xc1"), "rows.unreadable"),
        (as_rows([("st-1", "no_such")], [1.0]), "property.unknown"),
        (Message("pack.city.3", b"\xc1"), "pack.malformed"),
    ],
)
def test_what_cannot_be_read_is_parked_and_its_neighbours_are_kept(book, message, code):
    judged = judge_of(book).judge([raw(cell(1)), message, raw(cell(2), "dev-2")])
    assert codes(judged) == [code]
    assert [row[2] for row in rows_of(judged)] == [1.0, 2.0]
    assert judged.parked[0].content


def test_columns_of_the_intake_are_taken_as_they_are(book):
    judged = judge_of(book).judge([as_rows([T], [20.0, -40.0, np.nan, 70.0], seq=3)])
    assert judged.batch.flag.tolist() == [Flag.GOOD, Flag.SUSPECT, Flag.MISSING, Flag.FAIL]
    assert judged.batch.result_us.tolist() == [NOW_US] * 4
    assert judged.plausible == {"dev-1": 1}


def test_a_pack_holds_many_devices_each_with_its_time_of_arrival(book):
    packed = pack(
        [
            Packed("dev-1", NOW_US - 5, msgspec.json.encode({"property": "pm10", "value": 3})),
            Packed("dev-2", NOW_US - 4, msgspec.json.encode({"property": "pm10", "value": 4})),
            Packed("dev-9", NOW_US - 3, b"{}"),
            Packed("dev-1", NOW_US - 2, b"broken"),
        ]
    )
    judged = judge_of(book).judge([Message("pack.city.3", packed, 9)])
    assert [row[:3] for row in rows_of(judged)] == [("st-1", "pm10", 3.0), ("st-2", "pm10", 4.0)]
    assert judged.batch.time_us.tolist() == [NOW_US - 5, NOW_US - 4]
    assert [(item.device, item.received_at) for item in judged.parked] == [
        ("dev-9", from_us(NOW_US - 3)),
        ("dev-1", from_us(NOW_US - 2)),
    ]


@pytest.mark.parametrize(
    ("live_from", "flags"),
    [
        (None, [Flag.NOT_EVALUATED] * 3),
        (0, [Flag.GOOD] * 3),
        (2, [Flag.NOT_EVALUATED, Flag.GOOD, Flag.GOOD]),
        (4, [Flag.NOT_EVALUATED] * 3),
    ],
)
def test_rows_count_from_the_sequence_at_which_the_asset_went_live(book, live_from, flags):
    book.live_from["st-1"] = live_from
    judged = judge_of(book).judge([raw(cell(20, n), seq=n) for n in (1, 2, 3)])
    assert judged.batch.flag.tolist() == flags
    assert judged.plausible == {"dev-1": 3}, "plausible is what releases it, so quarantine must not hide it"


def test_a_row_dated_ahead_of_its_arrival_is_suspect_and_does_not_release_a_device(book):
    judged = judge_of(book).judge([raw(cell(20, -10))])
    assert (judged.batch.flag.tolist(), judged.batch.check.tolist()) == ([Flag.SUSPECT], [Check.CLOCK_AHEAD])
    assert judged.plausible == {"dev-1": 0}


def test_a_message_of_another_kind_or_none_brings_nothing(book):
    judged = judge_of(book).judge([])
    assert (len(judged.batch), judged.parked, judged.plausible) == (0, [], {})
    assert len(judge_of(book).judge([Message("event.city.x", b"{}")]).batch) == 0


messages = st.lists(
    st.builds(
        raw,
        st.one_of(
            st.binary(max_size=30),
            st.builds(
                cell,
                st.floats(-100, 100) | st.none(),
                st.integers(-10, 10),
                st.sampled_from(["air_temperature", "pm10", "no_such"]),
            ),
        ),
        st.sampled_from(["dev-1", "dev-2", "dev-9"]),
        st.integers(1, 9),
    ),
    max_size=8,
)


def same(a, b):
    columns = ("series", "time_us", "result_us", "flag", "check", "seq")
    return (
        a.parked == b.parked
        and a.plausible == b.plausible
        and list(a.batch.keys) == list(b.batch.keys)
        and all(np.array_equal(getattr(a.batch, name), getattr(b.batch, name)) for name in columns)
        and np.array_equal(a.batch.value, b.batch.value, equal_nan=True)
    )


@settings(deadline=None)
@given(messages)
def test_the_same_messages_twice_give_the_same_rows_and_parked_ids(sent):
    judge = judge_of(Book())
    assert same(judge.judge(sent), judge.judge(sent))


def test_a_property_unregistered_later_is_parked_not_a_crash(book):
    keeper = judge_of(book, Properties([properties_of()["pm10"]]))
    assert codes(keeper.judge([as_rows([T], [1.0]), raw(cell(1))])) == ["property.unknown", "property.unknown"]


def test_a_device_bound_elsewhere_counts_after_forgetting(book):
    judge = judge_of(book)
    judge.judge([raw(cell(1))])
    book.devices["dev-1"] = "st-2"
    judge.forget()
    assert rows_of(judge.judge([raw(cell(2))]))[0][:2] == ("st-2", "air_temperature")


def flags_of(time_us, flag, seq=1):
    revised = Revisions([T], np.zeros(1, np.int32), np.array([time_us]), np.array([flag], np.uint8), np.array([31], np.uint8))
    return Message("flags.city.3.environment", flags.encode(revised, NOW_US), seq)


def test_flags_messages_become_revisions_in_their_order(book):
    judged = judge_of(book).judge([raw([cell(20)], seq=1), flags_of(NOW_US, 4, 2), flags_of(NOW_US, 3, 3)])
    assert (len(judged.batch), judged.parked) == (1, [])
    assert (judged.revised.flag.tolist(), judged.revised.keys) == ([4, 3], [T])
    assert judge_of(book).judge([raw([cell(20)])]).revised is None


def test_an_unreadable_flags_message_is_parked_under_its_source(book):
    judged = judge_of(book).judge([Message("flags.city.3.environment", b"no", 4), raw([cell(20)], seq=5)])
    assert (codes(judged), len(judged.batch)) == (["flags.unreadable"], 1)
    assert judged.parked[0].device == "environment"


def test_what_releases_a_device_is_counted_by_the_flags_a_batch_has_now(book):
    book.live_from["st-1"] = None
    judged = judge_of(book).judge([raw([cell(20, k) for k in range(4)])])
    assert judged.plausible == {"dev-1": 4}
    check = judged.batch.check.copy()
    check[0] = Check.SPIKE
    flag = judged.batch.flag.copy()
    flag[1] = Flag.FAIL
    later = msgspec.structs.replace(judged, batch=msgspec.structs.replace(judged.batch, flag=flag, check=check))
    assert later.plausible == {"dev-1": 2}
