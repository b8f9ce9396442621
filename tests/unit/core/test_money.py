"""Won and whole units of the books."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.core.money import Won, to_book


@pytest.mark.parametrize(
    ("quantity", "whole"),
    [("0.5", 0), ("1.5", 2), ("2.5", 2), ("-0.5", 0), ("-1.5", -2), ("2.4999", 2), (Decimal("1e15"), 10**15), ("7", 7)],
)
def test_books_round_half_to_even(quantity, whole):
    assert to_book(quantity) == whole


def test_books_take_no_float():
    with pytest.raises(InputError) as refused:
        to_book(1.5)
    assert refused.value.code == "money.float"


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity", "twelve", ""])
def test_books_take_only_numbers(quantity):
    with pytest.raises(InputError) as refused:
        to_book(quantity)
    assert refused.value.code == "money.not_a_number"


@given(st.integers(-(10**14), 10**14), st.integers(-(10**14), 10**14))
def test_won_add_up(a, b):
    assert Won(a) + Won(b) == Won(a + b)
    assert Won(a) - Won(b) == Won(a) + -Won(b)
    assert (Won(a) < Won(b)) == (a < b)
