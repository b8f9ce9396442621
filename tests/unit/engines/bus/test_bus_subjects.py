"""Names on the bus: made, read back, refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.identifiers import PARTITIONS, partition
from dure.engines.bus import subjects

identifiers = st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,20}[a-z0-9])?", fullmatch=True)


@given(identifiers, identifiers)
def test_subjects_of_the_stream_are_read_back(city, device):
    number = partition(device)

    assert subjects.parse(subjects.raw(city, device)) == subjects.Origin("raw", city, number, device)
    assert subjects.parse(subjects.rows(city, device)) == subjects.Origin("rows", city, number, device)
    assert subjects.parse(subjects.pack(city, number)) == subjects.Origin("pack", city, number)
    assert subjects.parse(subjects.flags(city, device)) == subjects.Origin("flags", city, number, device)
    assert subjects.parse_up(subjects.up(city, device)) == (city, device)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "rows",
        "rows.c.1",
        "rows.c.64.d",
        "rows.c.-1.d",
        "rows.c.x.d",
        "rows.c.٣.d",
        "pack.c.1.d",
        "up.c.d",
        "raw.c.1.d.e",
        "pack.c.64",
    ],
)
def test_a_subject_that_is_not_the_streams_is_refused(subject):
    with pytest.raises(InputError) as refused:
        subjects.parse(subject)

    assert refused.value.code == "bus.subject"


@pytest.mark.parametrize("subject", ["up.c", "up.c.d.e", "up.c.D", "down.c.d", "up.c.*", "up..d", "up.c.>"])
def test_a_subject_that_no_device_has_is_refused(subject):
    with pytest.raises(InputError):
        subjects.parse_up(subject)


@pytest.mark.parametrize("device", ["a.b", "*", ">", "", "A", "a b", "-a"])
def test_a_name_that_would_widen_a_subject_is_refused(device):
    for make in (subjects.up, subjects.ack, subjects.command, subjects.raw, subjects.rows):
        with pytest.raises(InputError):
            make("c", device)


def test_a_partition_that_does_not_exist_is_refused():
    for number in (-1, PARTITIONS):
        with pytest.raises(InputError):
            subjects.pack("c", number)


def test_topics_are_subjects_with_slashes():
    assert subjects.topic(subjects.up("hwaseong", "d1")) == "up/hwaseong/d1"


def test_filters_of_partitions_take_every_kind():
    assert subjects.of_partitions([3], "c") == ["raw.c.3.*", "rows.c.3.*", "pack.c.3", "flags.c.3.*"]
