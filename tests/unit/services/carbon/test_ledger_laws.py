"""Laws of the books, whatever is asked of them and in whatever order."""

from __future__ import annotations

from copy import deepcopy
from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_made import ALL, MINUTE, NOON, groups, steps

from dure.services.carbon.ledger.judging import Books, judge, sums

law = settings(max_examples=60)


def kept(asked):
    """The books and all that was posted."""
    books, posted = Books(), []
    for given_groups, minute in asked:
        posted += judge(books, given_groups, NOON + minute * MINUTE, ALL).posted
    return books, posted


def even(books, posted):
    """Debits equal credits in each unit, no sum is negative, and no covered account is ever overdrawn."""
    for unit in ("gCO2e", "KRW"):
        rows = [sums(one) for one in books.balances.values() if one.unit == unit]
        debits_pending, debits_posted, credits_pending, credits_posted = map(sum, zip((0, 0, 0, 0), *rows, strict=True))
        assert (debits_pending, debits_posted) == (credits_pending, credits_posted)
    for balance in chain.from_iterable((one.debit, one.credit) for one in posted):
        assert min(sums(balance)) >= 0
        assert balance.available >= 0 or not books.accounts[balance.account].covered


@law
@given(steps)
def test_debits_equal_credits_and_no_covered_account_is_ever_overdrawn(asked):
    even(*kept(asked))


@law
@given(st.data(), steps)
def test_in_any_order_of_groups_the_books_stay_even(data, asked):
    shuffled = data.draw(st.permutations([one for given_groups, _ in asked for one in given_groups]))
    even(*kept([(shuffled, 0)]))


@law
@given(steps)
def test_what_was_posted_is_not_posted_again(asked):
    books, posted = kept(asked)
    before = deepcopy(books)
    again = [one for given_groups, _ in asked for one in given_groups if all(each.id in books.transfers for each in one)]
    assert judge(books, again, NOON, ALL).posted == []
    assert books == before
    assert len({one.transfer.id for one in posted}) == len(posted)


@law
@given(steps, groups)
def test_a_refused_group_leaves_no_trace(asked, last):
    books, _ = kept(asked)
    before = deepcopy(books)
    (why,), posted = judge(books, [last], NOON, ALL)
    if why is not None:
        assert posted == []
        assert books == before


@law
@given(steps)
def test_groups_posted_one_by_one_or_in_one_call_are_the_same(asked):
    at_once = [one for given_groups, _ in asked for one in given_groups]
    together, singly = Books(), Books()
    answers, _ = judge(together, at_once, NOON, ALL)
    assert answers == [judge(singly, [one], NOON, ALL).answers[0] for one in at_once]
    assert together == singly


@law
@given(steps)
def test_a_reservation_is_ended_once_and_by_no_more_than_it_reserved(asked):
    _, posted = kept(asked)
    ended = [one.transfer.of for one in posted if one.transfer.of]
    reserved = {one.transfer.id: one.transfer.amount for one in posted if one.transfer.deed == "pending"}
    assert len(set(ended)) == len(ended)
    assert all(one.transfer.amount <= reserved[one.transfer.of] for one in posted if one.transfer.of)


@law
@given(steps)
def test_the_order_of_the_books_is_the_order_of_posting_and_times_never_run_backwards(asked):
    _, posted = kept(asked)
    assert [one.seq for one in posted] == list(range(1, len(posted) + 1))
    times = [one.booked_at for one in posted]
    assert times == sorted(times)
    assert all(one.booked_at >= one.at for one in posted)
