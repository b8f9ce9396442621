"""From words to a session: what is bad first, then what is usual; and the order of words never matters."""

from __future__ import annotations

import random
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from said_words import BEGAN, MIN, T0, register, sampled, step, usual_charge

from dure.services.charging.central.words import Sample
from dure.services.charging.sessions.assembling import Assembled, Key, Place, assembled
from dure.services.charging.sessions.gathering import Gathered
from dure.services.charging.sessions.session_rules import session_rules

RULES = session_rules(date(2026, 11, 24))
PLACE = Place("site-1-c1", "site-1", "site-1-c1-1", 7_000.0)
YEARS_3 = 3 * 365 * 24 * 60


def session_of(words: Any, place: Place = PLACE, lost_us: int | None = None) -> Assembled:
    gathered = Gathered()
    for word in words:
        gathered.take(word, RULES.clocks)
    if lost_us is not None:
        gathered.lose(lost_us)
    return assembled(Key("4711"), place, gathered, RULES)


def reasons(found: Assembled) -> list[str]:
    return list(found.session.facts["reasons"])


def test_a_meter_that_runs_backwards_is_disputed_and_never_negative() -> None:
    words = [step("started", 0, begin_wh=50_000), sampled(10, register(10, 50_900)), step("ended", 20, end_wh=30_000)]
    found = session_of(words)
    assert (found.session.energy_wh, found.session.trust) == (900, "disputed")
    assert "backwards" in reasons(found)


def test_a_stop_without_a_start_counts_from_the_read_before() -> None:
    gathered = Gathered(before=(T0 - 60 * MIN, 49_500))
    gathered.take(step("ended", 20, end_wh=51_000, evse=0), RULES.clocks)
    found = assembled(Key("4711"), PLACE, gathered, RULES)
    assert (found.session.energy_wh, found.session.begin_wh, found.session.trust) == (1_500, 49_500, "estimated")
    assert "start_lost" in reasons(found)


def test_a_stop_without_a_start_and_without_any_read_counts_nothing() -> None:
    found = session_of([step("ended", 20, end_wh=51_000)])
    assert (found.session.energy_wh, found.session.state, found.session.trust) == (0, "ended", "estimated")
    assert found.session.started_at == found.session.ended_at


@pytest.mark.parametrize("minutes", [-YEARS_3, YEARS_3])
def test_a_clock_three_years_off_makes_arrival_count(minutes: int) -> None:
    off_us = minutes * MIN
    words = [
        step("started", 0, begin_wh=50_000, at_us=T0 + off_us),
        sampled(10, register(10 + minutes, 50_500)),
        step("ended", 20, end_wh=51_000, at_us=T0 + 20 * MIN + off_us),
    ]
    found = session_of(words)
    assert (found.session.started_at, found.session.ended_at) == (BEGAN, BEGAN + timedelta(minutes=20))
    assert (found.session.energy_wh, found.session.trust) == (1_000, "estimated")
    assert "clock_off" in reasons(found)


def test_a_clock_set_right_in_the_middle_moves_only_what_was_said_before() -> None:
    early = step("started", 0, begin_wh=50_000, at_us=T0 - YEARS_3 * MIN)
    found = session_of([early, *usual_charge()[1:]])
    assert (found.session.started_at, found.session.energy_wh) == (BEGAN, 1_000)


def test_an_unregistered_evse_keeps_its_session() -> None:
    found = session_of(usual_charge(), Place("site-1-c1"))
    assert (found.session.evse, found.session.energy_wh) == ("", 1_000)
    assert "unknown_evse" in reasons(found)


def test_a_session_without_any_register_is_estimated() -> None:
    found = session_of([step("started", 0), step("ended", 20)])
    assert (found.session.energy_wh, found.session.trust) == (0, "estimated")
    assert reasons(found) == ["no_register"]


def test_more_than_the_evse_can_give_is_disputed() -> None:
    found = session_of([step("started", 0, begin_wh=0), step("ended", 10, end_wh=60_000)])
    assert (found.session.energy_wh, found.session.trust, reasons(found)) == (60_000, "disputed", ["too_fast"])


def test_a_reset_counts_what_the_register_shows_since() -> None:
    words = [
        step("started", 0, begin_wh=50_000), sampled(10, register(10, 51_000)), sampled(12, register(12, 100)),
        step("ended", 20, end_wh=900),
    ]  # fmt: skip
    found = session_of(words)
    assert (found.session.energy_wh, found.session.trust, reasons(found)) == (1_900, "estimated", ["reset"])


def test_a_register_past_its_last_digit_is_no_reset() -> None:
    words = [step("started", 0, begin_wh=999_500), sampled(10, register(10, 300)), step("ended", 20, end_wh=800)]
    found = session_of(words)
    assert (found.session.energy_wh, found.session.trust, reasons(found)) == (1_300, "measured", ["rollover"])


def test_a_stray_read_is_left_out() -> None:
    words = [*usual_charge(), sampled(10.5, register(10.5, 12)), sampled(20.5, register(20.5, 9_999_999))]
    found = session_of(words)
    assert (found.session.energy_wh, found.session.trust, reasons(found)) == (1_000, "measured", ["out_of_line"])


def test_reads_outside_the_stations_own_first_and_last_are_left_out() -> None:
    words = [*usual_charge(), sampled(40, register(40, 90_000)), sampled(0, register(-30, 1))]
    found = session_of(words)
    assert (found.session.energy_wh, reasons(found)) == (1_000, ["outside"])


def test_a_lost_stop_ends_with_the_last_word_and_is_estimated() -> None:
    found = session_of(usual_charge()[:-1], lost_us=T0 + 29 * MIN)
    assert (found.session.state, found.session.ended_at) == ("ended", BEGAN + timedelta(minutes=29))
    assert (found.session.trust, reasons(found)) == ("estimated", ["stop_lost"])


def test_a_session_that_was_given_up_runs_again_when_it_speaks_and_a_late_stop_is_what_counts() -> None:
    again = session_of([*usual_charge()[:-1], sampled(45, register(45, 51_500))], lost_us=T0 + 29 * MIN)
    late = session_of([*usual_charge()[:-1], usual_charge()[-1]], lost_us=T0 + 29 * MIN)
    assert (again.session.state, late.session.state, late.session.trust) == ("running", "ended", "measured")


def test_registers_per_phase_are_added() -> None:
    at = {0: 0, 10: 400, 20: 700}
    words = [
        step(kind, minute, *(register(minute, 10_000 + wh, phase=phase) for phase in ("L1", "L2", "L3")))
        for kind, (minute, wh) in zip(("started", "updated", "ended"), at.items(), strict=True)
    ]
    found = session_of(words)
    assert (found.session.energy_wh, reasons(found)) == (2_100, ["by_phase"])


def test_energy_told_per_interval_is_added_up() -> None:
    parts = [Sample(T0 + one * MIN, "Energy.Active.Import.Interval", 100.0) for one in (5, 10, 15)]
    found = session_of([step("started", 0), *(sampled(15, one) for one in parts), step("ended", 16)])
    assert (found.session.energy_wh, reasons(found)) == (300, ["by_interval"])


def test_energy_given_back_is_counted_by_itself() -> None:
    back = [Sample(T0 + one * MIN, "Energy.Active.Export.Register", 10.0 * one) for one in (1, 30)]
    found = session_of([*usual_charge(), sampled(30, *back)])
    assert (found.session.energy_wh, found.session.returned_wh) == (1_000, 290)


def test_missing_numbers_of_steps_are_told() -> None:
    words = [
        step("started", 0, register(0, 0, "Transaction.Begin"), seq_no=0),
        step("ended", 10, register(10, 900, "Transaction.End"), seq_no=3),
    ]
    found = session_of(words)
    assert (found.session.energy_wh, reasons(found)) == (900, ["steps_missing"])


def test_reads_far_from_begin_and_end_leave_it_estimated() -> None:
    words = [step("started", 0), sampled(30, register(30, 1_000)), sampled(60, register(60, 4_000)), step("ended", 90)]
    found = session_of(words)
    assert (found.session.energy_wh, found.session.trust) == (3_000, "estimated")
    assert reasons(found) == ["no_begin_read", "no_end_read"]


def test_a_usual_charge_is_measured() -> None:
    found = session_of(usual_charge()).session
    assert (found.begin_wh, found.end_wh, found.energy_wh, found.trust) == (50_000, 51_000, 1_000, "measured")
    assert (found.state, found.stopped_reason, found.token, found.facts["reasons"]) == ("ended", "EVDisconnected", "t" * 64, [])


def test_a_running_session_shows_its_newest_power_and_charge() -> None:
    newest = [Sample(T0 + 9 * MIN, "Power.Active.Import", 6_800.0), Sample(T0 + 9 * MIN, "SoC", 0.41, location="EV")]
    older = [Sample(T0 + 5 * MIN, "Power.Active.Import", 3_000.0), Sample(T0 + 5 * MIN, "SoC", 0.39, location="EV")]
    found = session_of([step("started", 0, begin_wh=0), sampled(9, *newest), sampled(10, *older)]).session
    assert (found.state, found.power_w, found.soc, found.energy_wh) == ("running", 6_800.0, 0.41, 0)


def test_what_was_gathered_survives_being_kept() -> None:
    gathered = Gathered(before=(1, 2))
    for word in usual_charge():
        gathered.take(word, RULES.clocks)
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(gathered), type=Gathered)
    assert assembled(Key("4711"), PLACE, again, RULES) == assembled(Key("4711"), PLACE, gathered, RULES)


words_of_one = st.lists(
    st.one_of(
        st.builds(
            lambda kind, minute, late, wh, seq, offline: step(
                kind, minute, *([register(minute, wh)] if wh is not None else []), heard_us=T0 + round((minute + late) * MIN),
                seq_no=seq, offline=offline, token=f"{seq % 2}" * 64, begin_wh=wh if kind == "started" else None,
                end_wh=wh if kind == "ended" else None, charging_state=f"state {seq}",
            ),
            st.sampled_from(["started", "updated", "ended"]), st.integers(0, 60),
            st.sampled_from([0, 0, 3, 200, -60, -YEARS_3, YEARS_3]), st.one_of(st.none(), st.integers(0, 200_000)),
            st.integers(-1, 9), st.booleans(),
        ),
        st.builds(
            lambda minute, wh, phase: sampled(minute, register(minute, wh, phase=phase)),
            st.integers(0, 60), st.integers(0, 200_000), st.sampled_from(["", "L1", "L2", "L3"]),
        ),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@given(words=words_of_one, chance=st.randoms(use_true_random=False))
def test_the_same_words_in_any_order_and_twice_make_the_same_session(words: list[Any], chance: random.Random) -> None:
    other = [*words, *words[::2]]
    chance.shuffle(other)
    one, two = session_of(words), session_of(other)
    assert one == two


@given(words=words_of_one)
def test_energy_is_never_negative_and_never_falls(words: list[Any]) -> None:
    found = session_of(words)
    totals = found.series.total_wh
    assert found.session.energy_wh >= 0
    assert all(before <= after for before, after in pairwise(totals))
    assert found.session.ended_at is None or found.session.started_at <= found.session.ended_at


@given(steps=st.lists(st.integers(0, 1_100), min_size=1, max_size=30), first=st.integers(0, 10**9))
def test_energy_of_a_sound_register_is_its_difference_to_the_wh(steps: list[int], first: int) -> None:
    reads, at = [], first
    for minute, wh in enumerate(steps, 1):
        at += wh
        reads.append(sampled(minute, register(minute, at)))
    found = session_of([step("started", 0, begin_wh=first), *reads])
    assert (found.session.energy_wh, found.session.trust) == (at - first, "measured")
