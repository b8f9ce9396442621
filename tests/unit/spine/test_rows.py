"""Rows as they travel on the bus."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.spine.rows import FORM, Columns, Rows, decode, encode, split

int64 = st.integers(-(2**63), 2**63 - 1)
WIRE = [FORM, "http", 1, [["st-1", "t"]], b"\0" * 4, b"\0" * 8, b"\0" * 8, b""]


@st.composite
def tables(draw):
    keys = draw(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), min_size=1, max_size=4))
    cells = draw(st.lists(st.tuples(st.integers(0, len(keys) - 1), int64, st.floats()), max_size=30))
    series, time_us, value = zip(*cells, strict=True) if cells else ((), (), ())
    return Columns(keys, np.array(series, np.int32), np.array(time_us, np.int64), np.array(value, np.float64))


def same(a, b):
    return (
        [tuple(key) for key in a.keys] == [tuple(key) for key in b.keys]
        and np.array_equal(a.series, b.series)
        and np.array_equal(a.time_us, b.time_us)
        and np.array_equal(a.value, b.value, equal_nan=True)
    )


@given(tables(), int64, st.binary(max_size=40))
def test_rows_come_back_as_they_left(columns, received_us, origin):
    back = decode(encode(Rows("import", received_us, columns, origin)))
    assert (back.way, back.received_us, back.origin) == ("import", received_us, origin)
    assert same(back.columns, columns)


@given(tables(), st.integers(1, 7))
def test_parts_together_are_the_whole(columns, size):
    parts = list(split(columns, size))
    assert all(0 < len(part) <= size for part in parts)
    assert sum(len(part) for part in parts) == len(columns)
    if parts:
        joined = [np.concatenate([getattr(part, name) for part in parts]) for name in ("series", "time_us", "value")]
        assert same(Columns(columns.keys, *joined), columns)


def wire(**change):
    names = ("form", "way", "received_us", "keys", "series", "time_us", "value", "origin")
    return msgspec.msgpack.encode([change.get(name, usual) for name, usual in zip(names, WIRE, strict=True)])


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "rows.unreadable"),
        (b"\xc1", "rows.unreadable"),
        (b'{"property": 1}', "rows.unreadable"),
        (wire()[:-3], "rows.unreadable"),
        (wire(keys=[["only one"]]), "rows.unreadable"),
        (wire(received_us=1.5), "rows.unreadable"),
        (wire(time_us=b"\0" * 7), "rows.unreadable"),
        (wire(form=99), "rows.form"),
        (wire(value=b""), "rows.unequal"),
        (wire(series=b"\0" * 8), "rows.unequal"),
        (wire(series=(1).to_bytes(4, "little")), "rows.series"),
        (wire(series=(-1).to_bytes(4, "little", signed=True)), "rows.series"),
        (wire(keys=[]), "rows.series"),
    ],
)
def test_a_broken_message_is_refused(payload, code):
    with pytest.raises(InputError) as refused:
        decode(payload)
    assert refused.value.code == code


def test_the_usual_message_is_read():
    assert len(decode(wire()).columns) == 1


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(payload):
    try:
        decode(payload)
    except InputError as refused:
        assert refused.code.startswith("rows.")  # noqa: PT017  # refused or read: both are answers
