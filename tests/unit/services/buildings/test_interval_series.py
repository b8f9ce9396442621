from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from dure.core.time import Interval
from dure.services.buildings.reads.interval_series import series_of, shifted
from dure.services.buildings.reads.local_times import instants_of
from dure.services.buildings.reads.model import Delta, Quality, Register, Why
from dure.services.buildings.reads.spreading import capped_shares, on_grid, shares

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOUSE = Register(rate_max_per_h=40_000)


def hour(n: float, amount: int, length: float = 1, quality: Quality = Quality.MEASURED) -> Delta:
    return Delta(START + n * HOUR, START + (n + length) * HOUR, amount, quality)


def whys(found) -> list[tuple[int, Why]]:
    return [(one.index, one.why) for one in found.set_aside]


def test_no_intervals_are_no_series():
    found = series_of([], HOUSE)
    assert (found.deltas, found.gaps) == ((), ())


def test_no_intervals_in_a_span_are_one_gap():
    found = series_of([], HOUSE, Interval(START, START + 4 * HOUR))
    assert [(gap.start, gap.end) for gap in found.gaps] == [(START, START + 4 * HOUR)]


def test_negative_impossible_and_empty_intervals_are_set_aside():
    found = series_of([hour(0, 500), hour(1, -3), hour(2, 90_000), hour(3, 5, 0), hour(4, 700)], HOUSE)
    assert whys(found) == [(1, Why.NEGATIVE), (2, Why.IMPOSSIBLE), (3, Why.EMPTY)]
    assert [(gap.start - START) // HOUR for gap in found.gaps] == [1]


def test_an_interval_sent_twice_counts_once():
    assert whys(series_of([hour(0, 500), hour(1, 300), hour(1, 300)], HOUSE)) == [(2, Why.DUPLICATE)]


def test_an_interval_sent_again_with_another_amount_is_a_logged_correction():
    found = series_of([hour(0, 500), hour(1, 300), hour(1, 250)], HOUSE)
    assert sum(delta.amount for delta in found.deltas) == 750
    assert [(one.before, one.after) for one in found.revisions] == [(300, 250)]


def test_an_estimate_sent_later_does_not_replace_a_measured_interval():
    found = series_of([hour(0, 500), hour(0, 250, quality=Quality.ESTIMATED)], HOUSE)
    assert [delta.amount for delta in found.deltas] == [500]


def test_a_coarse_interval_gives_way_to_the_finer_ones_that_cover_it():
    found = series_of([hour(0, 900, 3), hour(0, 300), hour(1, 300), hour(2, 300)], HOUSE)
    assert [delta.amount for delta in found.deltas] == [300, 300, 300]
    assert whys(found) == [(0, Why.COVERED)]


def test_an_interval_that_overlaps_the_one_before_is_set_aside():
    found = series_of([hour(0, 900, 3), hour(0, 300), hour(2, 300)], HOUSE)
    assert [delta.amount for delta in found.deltas] == [900]
    assert whys(found) == [(1, Why.OVERLAP), (2, Why.OVERLAP)]


def test_missing_intervals_are_gaps_and_never_filled():
    found = series_of([hour(3, 1), hour(0, 1)], HOUSE)
    assert [(gap.start - START) // HOUR for gap in found.gaps] == [1]
    assert [(gap.end - START) // HOUR for gap in found.gaps] == [3]


def test_a_stretch_moved_by_an_hour_is_reported_with_its_size_and_can_be_moved_back():
    """Summer time stamped as winter time: a hole of an hour at its begin, a doubled hour at its end."""
    rows = [hour(n if n < 4 else n + 1, 100 + n) for n in range(8)] + [hour(n, 100 + n) for n in range(8, 12)]
    found = series_of(rows, HOUSE)
    assert [(shift.start, shift.end, shift.shift_s) for shift in found.shifts] == [(START + 5 * HOUR, START + 9 * HOUR, -3600)]
    mended = series_of(shifted(rows, found.shifts[0]), HOUSE)
    assert [delta.amount for delta in mended.deltas] == [100 + n for n in range(12)]
    assert mended.gaps == ()


def test_the_hour_that_autumn_repeats_is_told_apart_by_its_order():
    berlin = ZoneInfo("Europe/Berlin")
    walls = [datetime(2026, 10, 25, h) for h in (1, 2, 2, 3)]  # noqa: DTZ001 - wall-clock times are what is tested
    found = instants_of(walls, berlin)
    assert [at.hour for at in found.instants if at] == [23, 0, 1, 2]
    assert found.repeated == []


def test_an_hour_that_spring_leaves_out_has_no_instant():
    berlin = ZoneInfo("Europe/Berlin")
    found = instants_of([datetime(2026, 3, 29, h) for h in (1, 2, 3)], berlin)  # noqa: DTZ001 - wall-clock times are what is tested
    assert found.nonexistent == [1]
    assert found.instants[1] is None


def test_a_repeated_hour_is_reported_where_clocks_do_not_change():
    seoul = ZoneInfo("Asia/Seoul")
    found = instants_of([datetime(2026, 10, 25, h) for h in (1, 2, 2, 3)], seoul)  # noqa: DTZ001 - wall-clock times are what is tested
    assert found.repeated == [2]


@settings(max_examples=100, deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 4), st.integers(-10, 200_000)), max_size=30),
)
def test_a_series_never_overlaps_and_gaps_and_deltas_tile_it(spans):
    rows = [hour(n, amount, length) for n, length, amount in spans]
    found = series_of(rows, HOUSE, Interval(START, START + 50 * HOUR))
    parts = sorted([*found.deltas, *found.gaps], key=lambda part: part.start)
    at = START
    for part in parts:
        assert part.start == at
        at = part.end
    assert at == START + 50 * HOUR
    assert all(0 <= delta.amount <= 161_000 for delta in found.deltas)


@given(total=st.integers(0, 10**12), weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=30))
def test_shares_sum_to_the_total(total, weights):
    found = shares(total, weights)
    assert sum(found) == total
    assert min(found) >= 0


@given(pairs=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=30), part=st.floats(0, 1))
def test_capped_shares_sum_to_the_total_and_keep_their_caps(pairs, part):
    weights, caps = [w for w, _ in pairs], [c for _, c in pairs]
    total = int(sum(caps) * part)
    found = capped_shares(total, weights, caps)
    assert sum(found) == total
    assert all(0 <= share <= cap for share, cap in zip(found, caps, strict=True))


@settings(max_examples=100, deadline=None)
@given(parts=st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 10**6)), min_size=1, max_size=40))
def test_a_grid_keeps_every_unit(parts):
    at, deltas = START, []
    for length_s, amount in parts:
        deltas.append(Delta(at, at + timedelta(seconds=length_s), amount))
        at = deltas[-1].end
    at += timedelta(seconds=-(at - START).total_seconds() % 900)
    deltas.append(Delta(deltas[-1].end, at, 0)) if at > deltas[-1].end else None
    found = on_grid(deltas, START, timedelta(minutes=15), (at - START) // timedelta(minutes=15))
    assert sum(one.amount for one in found if one) == sum(amount for _, amount in parts)


def test_a_period_that_is_not_wholly_covered_is_none():
    found = on_grid([hour(0, 400, 1), hour(2, 400, 0.5)], START, HOUR, 3)
    assert [one.amount if one else None for one in found] == [400, None, None]


def test_part_of_a_longer_delta_is_an_estimate():
    found = on_grid([hour(0, 401, 2)], START, HOUR, 2)
    assert [(one.amount, one.quality) for one in found if one] == [(200, Quality.ESTIMATED), (201, Quality.ESTIMATED)]
