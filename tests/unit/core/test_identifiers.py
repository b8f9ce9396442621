"""Names, and the partition that belongs to each for life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.identifiers import PARTITIONS, identifier, partition


# FNV-1a, 32 bit: vectors of draft-eastlake-fnv, "a" = 0xe40c292c, "foobar" = 0xbf9cf968, "" = 0x811c9dc5; here modulo 64.
@pytest.mark.parametrize(("name", "digest"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)])
def test_the_partition_is_fnv_1a(name, digest):
    assert partition(name) == digest % PARTITIONS


@given(st.text())
def test_every_name_has_one_of_the_partitions(name):
    assert 0 <= partition(name) < PARTITIONS


@pytest.mark.parametrize("name", ["a", "0", "st-1", "a_b", "a" * 64])
def test_names_that_fit(name):
    assert identifier(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a-", "_", "A", "a.b", "a b", "a/b", "a*", "a>", "물", "a" * 65, "a\n", "a\x00"])
def test_names_that_cannot_travel_are_refused(name):
    with pytest.raises(InputError) as refused:
        identifier(name)
    assert refused.value.code == "id.malformed"
