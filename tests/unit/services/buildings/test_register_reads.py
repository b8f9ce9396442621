"""Register reads that fail in real life, and the laws that hold for all of them. Sources: issue threads named at each case."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.errors import InputError
from dure.services.buildings.reads.deriving import derive
from dure.services.buildings.reads.model import Exchange, Quality, Read, Register, Trust, Why
from dure.services.buildings.reads.revising import revisions_between
from dure.services.buildings.rules import load_trust

START = datetime(2026, 11, 1, tzinfo=UTC)
TRUST = load_trust(START.date())
HOUSE = Register(rate_max_per_h=40_000)  # 3 x 63 A at 230 V
HALL = Register(rate_max_per_h=500_000)


def quarter(n: float) -> datetime:
    return START + timedelta(minutes=15 * n)


def series(*values: int, register_step: float = 1) -> list[Read]:
    return [Read(quarter(n * register_step), value) for n, value in enumerate(values)]


def amounts(derived) -> list[int]:
    return [delta.amount for delta in derived.deltas]


def whys(derived) -> list[tuple[int, Why]]:
    return [(one.index, one.why) for one in derived.set_aside]


def test_a_register_without_a_physical_bound_is_refused():
    with pytest.raises(InputError) as caught:
        Register(rate_max_per_h=0)
    assert caught.value.code == "register.invalid"


def test_trust_that_would_believe_a_single_read_is_refused():
    with pytest.raises(InputError):
        Trust(confirm_reads=1, levels_max=8, remember_d=35)


def test_no_reads_give_no_deltas():
    assert derive([], HOUSE, TRUST).deltas == ()


def test_one_read_gives_no_delta():
    assert derive(series(5), HOUSE, TRUST).deltas == ()


# The real cases


def test_a_counter_that_drops_to_zero_and_recovers_books_its_use_not_its_level():
    """traktore-org/sem-community#782: 15,508 kWh were booked in one cycle."""
    found = derive(series(15_508_000, 15_508_400, 0, 0, 0, 0, 15_510_000, 15_510_500), HOUSE, TRUST)
    assert amounts(found) == [400, 1_600, 500]
    assert found.deltas[1].why is Why.BRIDGED
    assert found.deltas[1].quality is Quality.MEASURED
    assert whys(found) == [(n, Why.DROP_RECOVERED) for n in (2, 3, 4, 5)]
    assert found.gaps == ()


def test_a_counter_that_counts_on_while_dropped_is_taken_back_when_it_recovers():
    found = derive(series(15_508_000, 15_508_400, 0, 100, 200, 300, 15_510_000, 15_510_500, 15_511_000), HOUSE, TRUST)
    assert amounts(found) == [400, 1_600, 500, 500]
    assert [index for index, _ in whys(found)] == [2, 3, 4, 5]


def test_a_momentary_zero_books_no_53_7_mwh():
    """evcc#30592: 53.7 MWh in one slot after a momentary 0."""
    found = derive(series(53_700_000, 53_700_250, 0, 53_700_700, 53_700_900), HOUSE, TRUST)
    assert amounts(found) == [250, 450, 200]
    assert whys(found) == [(2, Why.MOMENTARY_ZERO)]


def test_a_momentary_zero_as_the_very_first_read_is_set_aside():
    found = derive(series(0, 53_700_250, 53_700_700, 53_700_900), HOUSE, TRUST)
    assert amounts(found) == [450, 200]
    assert whys(found) == [(0, Why.MOMENTARY_ZERO)]


def test_a_momentary_zero_as_the_newest_read_is_not_decided_yet():
    found = derive(series(53_700_000, 53_700_250, 53_700_300, 0), HOUSE, TRUST)
    assert amounts(found) == [250, 50]
    assert found.undecided == (3,)


def test_a_momentary_zero_of_a_young_meter_is_not_taken_for_its_level():
    """Here 0 -> 4,200 Wh would be possible in a quarter of an hour; the read before says otherwise."""
    found = derive(series(3_900, 4_000, 0, 4_200, 4_300), HOUSE, TRUST)
    assert amounts(found) == [100, 200, 100]


def test_after_zeros_and_a_spike_in_a_row_the_oldest_level_that_fits_is_taken_up_again():
    """From the zeros, too, 15 Wh would be possible: that would book them twice."""
    found = derive(series(0, 5, 10, 15, 0, 0, 500_000_015, 15, 20, 25), HOUSE, TRUST)
    assert found.total == 25
    assert [index for index, _ in whys(found)] == [4, 5, 6]


def test_a_register_that_rolls_over_goes_on_counting():
    """ioBroker.sourceanalytix#594: rollover at 838,860.7 Wh, here in tenths of a Wh."""
    meter = Register(rate_max_per_h=400_000, size=8_388_608)
    found = derive(series(8_388_000, 8_388_500, 92, 592, 1_100), meter, TRUST)
    assert amounts(found) == [500, 200, 500, 508]
    assert found.deltas[1].why is Why.ROLLOVER
    assert found.total == 8_388_608 + 1_100 - 8_388_000


def test_a_zero_near_the_top_of_the_register_that_recovers_is_no_rollover():
    meter = Register(rate_max_per_h=400_000, size=8_388_608)
    found = derive(series(8_380_000, 8_381_000, 0, 8_383_000, 8_384_000), meter, TRUST)
    assert amounts(found) == [1_000, 2_000, 1_000]


def test_a_rollover_that_nothing_has_confirmed_is_not_booked_yet():
    meter = Register(rate_max_per_h=400_000, size=8_388_608)
    found = derive(series(8_388_000, 8_388_500, 92), meter, TRUST)
    assert amounts(found) == [500]
    assert found.undecided == (2,)


def test_a_register_smaller_than_what_can_pass_between_reads_is_disputed():
    meter = Register(rate_max_per_h=100_000, size=10_000)
    found = derive([Read(quarter(4 * n), value) for n, value in enumerate((1_000, 3_000, 5_000, 7_000))], meter, TRUST)
    assert {delta.quality for delta in found.deltas} == {Quality.DISPUTED}
    assert {delta.why for delta in found.deltas} == {Why.ROLLOVER_AMBIGUOUS}


def test_a_reported_exchange_joins_old_and_new_register():
    """ioBroker.statistics#264, dsmr-reader#507: the new meter starts above 0."""
    change = Exchange(quarter(2.5), last=9_300, first=120_000)
    found = derive(series(8_000, 8_500, 9_000, 120_200, 120_700), HOUSE, TRUST, [change])
    assert amounts(found) == [500, 500, 300, 200, 500]
    assert [delta.why for delta in found.deltas[2:4]] == [Why.EXCHANGE, Why.EXCHANGE]
    assert found.gaps == ()


def test_an_exchange_without_its_last_and_first_value_leaves_a_gap_and_books_nothing_impossible():
    found = derive(series(8_000, 8_500, 9_000, 120_200, 120_700), HOUSE, TRUST, [Exchange(quarter(2.5))])
    assert amounts(found) == [500, 500, 500]
    assert [(gap.start, gap.end, gap.why) for gap in found.gaps] == [
        (quarter(2), quarter(2.5), Why.EXCHANGE_UNREAD),
        (quarter(2.5), quarter(3), Why.EXCHANGE_UNREAD),
    ]


def test_a_noted_value_that_the_register_cannot_show_is_as_if_nobody_had_noted_it():
    meter = Register(rate_max_per_h=40_000, size=1_500_000)
    noted = Exchange(quarter(1.5), last=1_900_000, first=1_500_001)
    nobody = Exchange(quarter(1.5))
    told = series(1_499_000, 1_499_500, 0, 500)
    assert derive(told, meter, TRUST, [noted]) == derive(told, meter, TRUST, [nobody])
    assert all(one.amount >= 0 for one in derive(told, meter, TRUST, [noted]).deltas)


def test_an_exchange_nobody_reported_is_seen_by_the_serial_number():
    reads = [Read(quarter(n), value, serial=serial) for n, (value, serial) in enumerate(
        ((8_000, "A"), (8_500, "A"), (9_000, "B"), (9_100, "B"), (9_300, "B"))
    )]  # fmt: skip
    found = derive(reads, HOUSE, TRUST)
    assert amounts(found) == [500, 100, 200]
    assert [gap.why for gap in found.gaps] == [Why.EXCHANGE_UNREAD]


def test_an_exchange_nobody_reported_is_a_gap_with_what_the_registers_claim():
    found = derive(series(8_000, 8_500, 9_000, 120_200, 120_700, 121_000), HOUSE, TRUST)
    assert amounts(found) == [500, 500, 500, 300]
    assert [(gap.why, gap.claimed) for gap in found.gaps] == [(Why.LEVEL_CHANGED, 111_200)]


def test_an_exchange_to_a_lower_register_is_never_a_negative_delta():
    found = derive(series(8_000, 8_500, 9_000, 100, 400, 900), HOUSE, TRUST)
    assert amounts(found) == [500, 500, 300, 500]
    assert [gap.claimed for gap in found.gaps] == [-8_900]


def test_a_mistyped_last_value_of_an_exchange_is_not_believed():
    change = Exchange(quarter(2.5), last=93_000, first=120_000)
    found = derive(series(8_000, 8_500, 9_000, 120_200, 120_700), HOUSE, TRUST, [change])
    assert amounts(found) == [500, 500, 200, 500]
    assert [gap.why for gap in found.gaps] == [Why.EXCHANGE_UNREAD]


def test_two_good_values_whose_difference_is_negative_book_no_negative_delta():
    """smartme_mqtt#67."""
    found = derive(series(1_234_500, 1_234_600, 1_234_500, 1_234_900, 1_235_000), HOUSE, TRUST)
    assert amounts(found) == [100, 300, 100]
    assert whys(found) == [(2, Why.BACKWARDS)]


def test_a_spike_above_what_the_fuse_can_pass_is_set_aside():
    found = derive(series(1_000, 1_500, 9_999_999, 2_400, 2_900), HOUSE, TRUST)
    assert amounts(found) == [500, 900, 500]
    assert whys(found) == [(2, Why.SPIKE)]


def test_the_same_step_is_a_spike_at_a_house_and_use_at_a_hall():
    reads = series(0, 50_000, 100_000, 150_000)
    assert derive(reads, HALL, TRUST).total == 150_000
    assert derive(reads, HOUSE, TRUST).total == 0


def test_a_read_sent_twice_counts_once():
    reads = [*series(0, 500, 900), Read(quarter(1), 500)]
    found = derive(reads, HOUSE, TRUST)
    assert amounts(found) == [500, 400]
    assert whys(found) == [(3, Why.DUPLICATE)]


def test_reads_out_of_order_give_the_same_books_as_in_order():
    reads = series(0, 500, 900, 1_000, 1_600)
    assert derive(reads[::-1], HOUSE, TRUST).deltas == derive(reads, HOUSE, TRUST).deltas


def test_two_values_of_one_instant_are_disputed_and_keep_the_total():
    reads = [*series(0, 500, 900, 1_000), Read(quarter(2), 700)]
    found = derive(reads, HOUSE, TRUST)
    assert amounts(found) == [500, 200, 300]
    assert [delta.quality for delta in found.deltas] == [Quality.MEASURED, Quality.DISPUTED, Quality.DISPUTED]
    assert whys(found) == [(2, Why.CONFLICT)]


def test_a_second_value_of_an_instant_that_is_impossible_does_not_win():
    found = derive([*series(0, 500, 900, 1_000), Read(quarter(2), 100)], HOUSE, TRUST)
    assert amounts(found) == [500, 400, 100]


def test_values_the_register_cannot_show_are_set_aside():
    meter = Register(rate_max_per_h=40_000, size=1_000_000)
    found = derive(series(500, 900, -1, 1_000_000, 1_500), meter, TRUST)
    assert amounts(found) == [400, 600]
    assert whys(found) == [(2, Why.OUTSIDE_REGISTER), (3, Why.OUTSIDE_REGISTER)]


def test_missing_reads_are_bridged_by_the_register():
    reads = series(0, 500, 900, 1_300)
    assert amounts(derive([reads[0], reads[3]], HOUSE, TRUST)) == [1_300]


def test_a_local_clock_put_back_an_hour_moves_no_energy():
    """A logger that stamps local time: the reads of the repeated hour carry the instants of the hour before."""
    reads = [Read(quarter(n), 500 * n) for n in range(8)] + [Read(quarter(n), 500 * (n + 4)) for n in range(4, 12)]
    found = derive(reads, HOUSE, TRUST)
    assert found.total == 500 * 15
    assert min(amounts(found)) >= 0
    assert any(delta.quality is Quality.DISPUTED for delta in found.deltas)


def test_a_rollover_in_the_first_reads_confirms_what_was_before_it():
    meter = Register(rate_max_per_h=400_000, size=8_388_608)
    found = derive(series(8_388_500, 92, 592, 1_100), meter, TRUST)
    assert amounts(found) == [200, 500, 508]


def test_a_zero_that_stays_is_not_decided_until_the_register_counts():
    found = derive(series(8_000, 8_500, 9_000, 0, 0, 0, 0, 0), HOUSE, TRUST)
    assert amounts(found) == [500, 500]
    assert found.undecided == (3, 4, 5, 6, 7)


def test_a_level_older_than_what_is_remembered_is_not_come_back_to():
    """A reset nobody reported, weeks of use, then a meter that by chance starts just above the old one."""
    days = [Read(START + timedelta(days=n), 1_000 * n) for n in range(40)]
    old = [Read(START - timedelta(hours=n), 90_000_000 - 500 * n) for n in range(4, 0, -1)]
    late = [Read(START + timedelta(days=40, hours=n), 90_000_500 + 500 * n) for n in range(4)]
    found = derive([*old, *days, *late], HOUSE, TRUST)
    assert found.total == 1_500 + 39_000 + 1_500
    assert [gap.why for gap in found.gaps] == [Why.LEVEL_CHANGED, Why.LEVEL_CHANGED]


# Estimates


def test_estimates_are_booked_as_estimates_until_an_actual_read_comes():
    reads = [Read(START, 1_000), Read(quarter(4), 1_400, estimated=True), Read(quarter(8), 1_800, estimated=True)]
    found = derive(reads, HOUSE, TRUST)
    assert amounts(found) == [400, 400]
    assert {delta.quality for delta in found.deltas} == {Quality.ESTIMATED}


def test_the_next_actual_read_trues_up_the_estimates_and_the_change_is_logged():
    reads = [
        Read(START, 1_000),
        Read(quarter(4), 1_400, estimated=True),
        Read(quarter(8), 1_800, estimated=True),
        Read(quarter(12), 1_900),
    ]
    found = derive(reads, HOUSE, TRUST)
    assert amounts(found) == [300, 300, 300]
    assert {delta.why for delta in found.deltas} == {Why.TRUED_UP}
    assert [(one.before, one.after, one.shown_at) for one in found.revisions] == [(400, 300, quarter(12))] * 2


def test_an_actual_read_below_the_estimate_is_no_negative_delta():
    found = derive([Read(START, 1_000), Read(quarter(4), 9_000, estimated=True), Read(quarter(8), 1_501)], HOUSE, TRUST)
    assert found.total == 501
    assert min(amounts(found)) >= 0


def test_an_estimate_beyond_the_connection_is_set_aside():
    found = derive([Read(START, 1_000), Read(quarter(1), 900_000, estimated=True), Read(quarter(8), 1_501)], HOUSE, TRUST)
    assert amounts(found) == [501]
    assert whys(found) == [(1, Why.ESTIMATE_IMPOSSIBLE)]


def test_an_actual_read_of_the_same_instant_replaces_an_estimate():
    found = derive(
        [Read(START, 0), Read(quarter(1), 700, estimated=True), Read(quarter(1), 500), Read(quarter(2), 800)], HOUSE, TRUST
    )
    assert amounts(found) == [500, 300]
    assert {delta.quality for delta in found.deltas} == {Quality.MEASURED}


def test_a_later_derivation_lists_what_it_changed():
    early = [Read(START, 1_000), Read(quarter(4), 1_400, estimated=True)]
    late = [*early, Read(quarter(8), 1_600)]
    before, after = derive(early, HOUSE, TRUST), derive(late, HOUSE, TRUST)
    changes = revisions_between(before.deltas, after.deltas, quarter(8))
    assert [(one.before, one.after) for one in changes] == [(400, 300)]


# Laws

steps = st.lists(st.integers(0, 10_000), min_size=6, max_size=60)


def truth_of(uses: list[int], first: int, size: int) -> list[int]:
    level, found = first, [first]
    for use in uses:
        level += use
        found.append(level % size)
    return found


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(st.integers(-5, 60_000) | st.integers(-5, 2_000_000), max_size=40),
    marks=st.lists(st.booleans(), min_size=40, max_size=40),
    exchanges=st.lists(
        st.builds(
            Exchange,
            st.floats(-2, 42).map(quarter),
            st.none() | st.integers(0, 2_000_000),
            st.none() | st.integers(0, 2_000_000),
        ),
        max_size=3,
    ),
)
def test_whatever_is_read_no_delta_is_negative_or_impossible(values, marks, exchanges):
    meter = Register(rate_max_per_h=40_000, size=1_500_000)
    reads = [Read(quarter(n), value, estimated=mark) for n, (value, mark) in enumerate(zip(values, marks, strict=False))]
    found = derive(reads, meter, TRUST, exchanges)
    for delta in found.deltas:
        assert 0 <= delta.amount <= meter.bound((delta.end - delta.start) // timedelta(microseconds=1))
    for before, after in pairwise(sorted([*found.deltas, *found.gaps], key=lambda one: one.start)):
        assert before.end <= after.start
    told = [one.index for one in found.set_aside] + list(found.undecided)
    assert len(set(told)) == len(told)


@settings(max_examples=150, deadline=None)
@given(uses=steps, first=st.one_of(st.integers(0, 10**9 - 1), st.integers(10**9 - 300_000, 10**9 - 1)), data=st.data())
def test_energy_is_conserved_to_the_unit_whatever_happens_on_the_way(uses, first, data):
    """Momentary zeros, spikes, repeats and disorder between good reads; a rollover where the level is near the top."""
    size = 10**9
    meter = Register(rate_max_per_h=40_000, size=size)
    uses = [5, 5, 5, *uses, 5, 5, 5]
    reads = [Read(quarter(n), value) for n, value in enumerate(truth_of(uses, first, size))]
    places = data.draw(st.lists(st.integers(4, len(reads) - 5), max_size=4, unique=True))
    for place in places:
        kind = data.draw(st.sampled_from(["zero", "spike", "repeat", "lost", "estimate"]))
        at, value = reads[place].at, reads[place].value
        reads[place] = {
            "zero": Read(at, 0),
            "spike": Read(at, (value + size // 2) % size),
            "repeat": reads[place - 1],
            "lost": reads[place - 1],
            "estimate": Read(at, min(value + 777, size - 1), estimated=True),
        }[kind]
    found = derive(data.draw(st.permutations(reads)), meter, TRUST)
    assert found.total == sum(uses)
    assert found.gaps == ()
    assert found.undecided == ()
