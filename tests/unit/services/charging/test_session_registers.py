"""From reads to Wh, one register or a hundred thousand at once."""

from __future__ import annotations

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dure.services.charging.sessions.registers import counted, counted_many
from dure.services.charging.sessions.session_rules import session_rules

RULES = session_rules(date(2026, 11, 24)).registers
MIN = 60_000_000


def test_no_read_and_one_read_count_nothing() -> None:
    assert counted([], [], 7_000, RULES).wh == 0
    assert counted([5], [123], 7_000, RULES).total_wh == (0,)


def test_rounding_on_the_way_is_no_fall_and_is_not_counted_twice() -> None:
    found = counted([0, MIN, 2 * MIN], [1_000, 995, 1_010], 7_000, RULES)
    assert (found.total_wh, found.reasons) == ((0, 0, 10), ())


def test_without_a_known_power_a_fall_is_still_judged() -> None:
    back = counted([0, MIN], [900_000, 500_000], 0, RULES)
    reset = counted([0, MIN], [900_000, 40], 0, RULES)
    assert (back.wh, back.reasons, reset.wh, reset.reasons) == (0, ("backwards",), 40, ("reset",))


def test_a_32_bit_counter_goes_on_after_its_last_value() -> None:
    found = counted([0, MIN], [2**32 - 60, 40], 22_000, RULES)
    assert (found.wh, found.reasons) == (100, ("rollover",))


registers = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10**6)), min_size=1, max_size=8),
        st.sampled_from([0.0, 7_000.0, 50_000.0]),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@given(many=registers)
def test_many_at_once_count_as_each_alone(many: list[tuple[list[tuple[int, int]], float]]) -> None:
    at = [np.cumsum([minutes * MIN for minutes, _ in reads]) for reads, _ in many]
    wh = [np.array([value for _, value in reads]) for reads, _ in many]
    first = np.cumsum([0, *(len(one) for one in at[:-1])])
    power = np.array([one for _, one in many])
    found = counted_many(np.concatenate(at), np.concatenate(wh), first, power, RULES)
    alone = [counted(a.tolist(), w.tolist(), p, RULES).wh for a, w, p in zip(at, wh, power.tolist(), strict=True)]
    assert found.tolist() == alone
