"""Packs: what goes in comes out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.engines.bus.packing import OVERHEAD, Packed, frame, join, pack, unpack

names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=64)
items = st.builds(Packed, device=names, received_us=st.integers(-(2**63), 2**63 - 1), payload=st.binary(max_size=300))


@given(st.lists(items, max_size=30))
def test_a_pack_gives_back_its_payloads_in_order(payloads):
    assert list(unpack(pack(payloads))) == payloads


@given(st.lists(items, min_size=1, max_size=5), st.data())
def test_a_cut_pack_is_refused_or_ends_at_a_whole_payload(payloads, data):
    whole = pack(payloads)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        found = list(unpack(cut))
    except InputError as error:
        assert error.code == "pack.malformed"  # noqa: PT017  # refusing is one of two right answers
    else:
        assert found == payloads[: len(found)]
        assert pack(found) == cut


@given(st.binary(max_size=200))
def test_any_bytes_are_unpacked_or_refused(data):
    try:
        found = list(unpack(data))
    except InputError as error:
        assert error.code == "pack.malformed"  # noqa: PT017  # refusing is one of two right answers
    else:
        assert pack(found) == data


def test_the_frame_is_as_documented():
    data = join([frame(b"d1", 258, b"{}")])

    assert data == b"\x01" + b"\x02" + (258).to_bytes(8, "little") + (2).to_bytes(4, "little") + b"d1{}"
    assert len(data) == 1 + OVERHEAD + 4


@pytest.mark.parametrize("data", [b"", b"\x02", b'{"pm10": 3}'])
def test_a_pack_of_another_version_is_refused(data):
    with pytest.raises(InputError) as refused:
        list(unpack(data))

    assert refused.value.code == "pack.malformed"
