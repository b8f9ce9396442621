"""Revised flags as they travel on the bus."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.observations import Check, Flag, Revisions, no_revisions
from dure.spine.flags import FORM, checked, decode, encode, joined, split

WIRE = [FORM, 1, [["st-1", "t"]], b"\0" * 4, b"\0" * 8, b"\1", b"\0"]


@st.composite
def tables(draw):
    names = st.text("abc-_9가", max_size=8)
    keys = draw(st.lists(st.tuples(names, names), min_size=1, max_size=4, unique=True))
    one = st.tuples(
        st.integers(0, len(keys) - 1), st.integers(-(2**63), 2**63 - 1), st.sampled_from(Flag), st.sampled_from(Check)
    )
    cells = draw(st.lists(one, max_size=20))
    series, time_us, flag, check = zip(*cells, strict=True) if cells else ((), (), (), ())
    return Revisions(
        keys, np.array(series, np.int32), np.array(time_us, np.int64), np.array(flag, np.uint8), np.array(check, np.uint8)
    )


def rows(revisions):
    columns = (revisions.series, revisions.time_us, revisions.flag, revisions.check)
    return [(*revisions.keys[s], t, f, c) for s, t, f, c in zip(*(one.tolist() for one in columns), strict=True)]


@given(tables())
def test_revisions_come_back_as_they_left(revisions):
    assert rows(decode(encode(revisions, 5))) == rows(revisions)


@given(tables(), st.integers(1, 7))
def test_parts_name_only_the_series_they_mean_and_joined_are_the_whole(revisions, size):
    parts = list(split(revisions, size))
    assert all(0 < len(part) <= size and len(set(part.series.tolist())) == len(part.keys) for part in parts)
    whole = joined([no_revisions(), *parts])
    assert rows(revisions) == ([] if whole is None else rows(whole))


def wire(**change):
    names = ("form", "sent_us", "keys", "series", "time_us", "flag", "check")
    return msgspec.msgpack.encode(list((dict(zip(names, WIRE, strict=True)) | change).values()))


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "flags.unreadable"),
        (b"\x93\x01\x02\x03", "flags.unreadable"),
        (wire(time_us=b"123"), "flags.unreadable"),
        (wire(form=9), "flags.form"),
        (wire(flag=b"\1\1"), "flags.unequal"),
        (wire(series=b"\1\0\0\0"), "flags.series"),
        (wire(keys=[]), "flags.series"),
        (wire(keys=[["st\t1", "t"]]), "flags.series"),
        (wire(flag=b"\7"), "flags.unknown"),
        (wire(check=b"\xff"), "flags.unknown"),
    ],
)
def test_a_message_that_cannot_be_applied_is_refused_with_a_code(payload, code):
    with pytest.raises(InputError) as error:
        decode(payload)
    assert error.value.code == code


def test_nothing_is_fine():
    assert len(checked(no_revisions())) == 0
    assert joined([]) is None
    assert decode(wire()).flag.tolist() == [1]
