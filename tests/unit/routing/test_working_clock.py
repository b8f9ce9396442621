"""The working clock stands still during breaks; budgets end when they say."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from routing_days import H, truck

from dure.routing.breaks import Clock, clock_of, shared_clock
from dure.routing.model import Break, Budget, Span
from dure.routing.stopping import watch

DAY = st.integers(0, 24 * H)
BREAKS = st.lists(
    st.builds(Break, span=st.builds(lambda at, long: Span(at, at + long), DAY, DAY), duration_s=st.integers(1, H)), max_size=3
)


@given(BREAKS, DAY, DAY)
def test_time_never_runs_backwards_and_a_break_takes_none_of_it(breaks, first_s, second_s):
    clock = clock_of(breaks)
    early_s, late_s = sorted((first_s, second_s))
    assert clock.working_s(early_s) <= clock.working_s(late_s)
    assert clock.working_s(90 * H) == 90 * H - sum(one.duration_s for one in breaks)
    assert all(
        clock.working_s(at_s) == clock.working_s(at_s + lasts_s) for at_s, lasts_s in zip(clock.at_s, clock.lasts_s, strict=True)
    )


def test_lunch_at_half_past_eleven_moves_the_afternoon_forward_by_its_length():
    clock = clock_of([Break(span=Span(11 * H, 12 * H), duration_s=H)])
    assert clock.span(Span(8 * H, 14 * H)) == Span(8 * H, 13 * H)
    assert clock.working_s(12 * H) == 11 * H + H // 2


def test_windows_are_translated_by_the_clock_of_most_crews():
    rest = Break(span=Span(11 * H, 12 * H), duration_s=H)
    assert shared_clock([truck("a", breaks=(rest,)), truck("b", breaks=(rest,)), truck("c")]) == clock_of([rest])
    assert shared_clock([]) == Clock()


def test_iterations_are_counted_over_all_parts_of_a_search():
    whole = watch(Budget(iterations=10))
    part = whole.share(0.5)
    assert [part(0) for _ in range(6)] == [False] * 5 + [True]
    whole.spend(part)
    assert whole.share(1.0).iterations == 5
    assert not whole.over()


def test_a_budget_without_numbers_is_spent_at_once():
    assert watch(Budget())(0)
