"""Laws of the double entry: every register's Wh goes somewhere, sessions' parts sum to their registers, no claim is above PV."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dure.services.charging.origin import ledger
from dure.services.charging.origin.allocating import allocate, shared
from dure.services.charging.origin.balancing import Balance
from dure.services.charging.origin.ledger import contents, imbalances
from dure.services.charging.origin.model import Lot, Measured, Sink, Source, Trust, Uses
from dure.services.charging.origin.registers import STEP_US, Grid

PV, NOT_PV = True, False
FLOWS = ("pv", "untimed", "charge", "discharge", "grid", "export", "load", "vehicle")


def measured(n: int = 1, **given_wh: object) -> Measured:
    """Measured Wh; what is not given is 0."""
    columns = {name: np.broadcast_to(np.array(given_wh.get(name, 0), np.int64), n).copy() for name in (*FLOWS, "ev", "trust")}
    charge = columns["charge"]
    kept = np.broadcast_to(np.array(given_wh.get("kept", charge * 9 // 10), np.int64), n).copy()
    ceiling = np.broadcast_to(np.array(given_wh.get("ceiling", -1), np.int64), n).copy()
    hidden = np.broadcast_to(np.array(given_wh.get("hidden", False), bool), n).copy()
    return Measured(**columns, kept=kept, ceiling=ceiling, hidden=hidden)


def uses(*rows: tuple[int, int, int]) -> Uses:
    """Rows of (interval, session, Wh)."""
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    return Uses(columns[0], columns[1], columns[2], np.ones(len(rows), bool))


def starts(n: int) -> np.ndarray:
    return np.arange(1, n + 1, dtype=np.int64) * STEP_US


def one(given_wh: dict[str, int], opening: tuple[Lot, ...] = ()) -> dict[str, int]:
    """What one session got by source in one interval, by name."""
    found = allocate(measured(**given_wh), uses((0, 0, given_wh["ev"])), starts(1), opening)
    return {source.name: int(found.by_session[0, source]) for source in Source if found.by_session[0, source]}


def test_pv_serves_vehicles_first():
    assert one({"pv": 100, "grid": 50, "ev": 120, "load": 30}) == {"PV": 100, "GRID": 20}


def test_without_a_pv_meter_all_is_grid():
    assert one({"ev": 120, "grid": 0}) == {"UNMETERED": 120}


def test_pv_that_is_not_known_to_the_hour_is_not_claimed():
    assert one({"untimed": 120, "ev": 120}) == {"UNTIMED": 120}


def test_what_was_exported_while_as_much_was_imported_was_not_used_here():
    assert one({"pv": 100, "export": 100, "grid": 100, "ev": 100}) == {"GRID": 100}


def test_where_export_is_not_known_what_no_meter_explains_counts_as_exported():
    assert one({"pv": 100, "grid": 50, "ev": 80, "hidden": True}) == {"PV": 50, "GRID": 30}


def test_storage_gives_what_was_put_in_first():
    lots = (Lot(1, PV, 30), Lot(2, NOT_PV, 100))
    assert one({"discharge": 80, "ev": 80}, lots) == {"ESS_PV": 30, "ESS_GRID": 50}


def test_storage_that_gives_more_than_it_held_gives_grid():
    assert one({"discharge": 80, "ev": 80}, (Lot(1, PV, 30),)) == {"ESS_PV": 30, "ESS_GRID": 50}


def test_a_silent_meter_of_storage_makes_its_lots_grid():
    lots = (Lot(1, PV, 100),)
    assert one({"discharge": 80, "ev": 80, "trust": Trust.SILENT}, lots) == {"ESS_GRID": 80}


def test_what_storage_gave_at_a_time_nobody_knows_is_not_claimed_but_taken_out_of_the_lots():
    given = measured(discharge=80, ev=80, trust=Trust.UNTIMED)
    found = allocate(given, uses((0, 0, 80)), starts(1), (Lot(1, PV, 100),))
    assert found.by_session[0, Source.ESS_GRID] == 80
    assert found.stored.opening[-1] == (Lot(1, PV, 20),)


def test_lots_above_the_state_of_charge_are_lost():
    found = allocate(measured(ceiling=40), uses(), starts(1), (Lot(1, PV, 100),))
    assert found.stored.opening[-1] == (Lot(1, PV, 40),)
    assert found.stored.lost_pv.tolist() == [60]


def test_losses_of_both_ways_are_booked_when_storage_is_filled():
    found = allocate(measured(pv=100, charge=100), uses(), starts(1))
    assert found.stored.lost_pv.tolist() == [10]
    assert found.stored.opening[-1] == (Lot(STEP_US, PV, 90),)


def test_sessions_share_by_largest_remainder():
    found = allocate(measured(pv=2, grid=1, ev=3), uses((0, 0, 1), (0, 1, 1), (0, 2, 1)), starts(1))
    assert found.by_session[:, Source.PV].tolist() == [1, 1, 0]
    assert found.by_session.sum(axis=1).tolist() == [1, 1, 1]


amounts = st.integers(0, 3_000)


@st.composite
def worlds(draw):
    n = draw(st.integers(1, 6))
    rows = [
        (interval, session, draw(st.integers(1, 4_000))) for interval in range(n) for session in range(draw(st.integers(0, 4)))
    ]
    taken = uses(*rows)
    given_wh = {name: [draw(amounts) for _ in range(n)] for name in FLOWS}
    given_wh["ev"] = np.bincount(taken.interval, taken.wh, n).astype(np.int64)
    given_wh["kept"] = [draw(st.integers(0, wh)) for wh in given_wh["charge"]]
    given_wh["ceiling"] = [draw(st.integers(-1, 4_000)) for _ in range(n)]
    given_wh["trust"] = [draw(st.sampled_from([0, 0, 0, 1, 2])) for _ in range(n)]
    given_wh["hidden"] = [draw(st.booleans()) for _ in range(n)]
    lots = tuple(Lot(at, draw(st.booleans()), draw(st.integers(1, 2_000))) for at in range(draw(st.integers(0, 4))))
    return measured(n, **given_wh), taken, lots


@given(worlds())
@settings(max_examples=200)
def test_every_wh_is_booked_once(world):
    given_wh, taken, lots = world
    found = allocate(given_wh, taken, starts(len(given_wh)), lots)
    out, into = found.flow.sum(axis=1), found.flow.sum(axis=0)
    assert (found.flow >= 0).all()
    for source, name in ((Source.PV, "pv"), (Source.UNTIMED, "untimed"), (Source.VEHICLE, "vehicle"), (Source.GRID, "grid")):
        assert out[source].tolist() == getattr(given_wh, name).tolist()
    assert (out[Source.ESS_PV] + out[Source.ESS_GRID]).tolist() == given_wh.discharge.tolist()
    for sink, name in ((Sink.EV, "ev"), (Sink.ESS, "charge"), (Sink.LOAD, "load"), (Sink.EXPORT, "export")):
        assert into[sink].tolist() == getattr(given_wh, name).tolist()
    assert found.by_session.sum(axis=1).tolist() == taken.wh.tolist()
    assert (found.by_session >= 0).all()
    for source in Source:
        sums = np.bincount(taken.interval, found.by_session[:, source], len(given_wh)).astype(int)
        assert sums.tolist() == found.flow[source, Sink.EV].tolist()


@given(worlds())
@settings(max_examples=200)
def test_storage_never_gives_more_renewable_wh_than_were_put_in(world):
    given_wh, taken, lots = world
    found = allocate(given_wh, taken, starts(len(given_wh)), lots)
    stored = found.stored
    held = sum(lot.wh for lot in lots)
    held_pv = sum(lot.wh for lot in lots if lot.pv)
    charge_pv = found.flow[Source.PV, Sink.ESS]
    for row in range(len(given_wh)):
        beyond = sum(one.wh for one in stored.drawn[row] if one.start_us == 0 and not one.pv)
        held += int(given_wh.charge[row] - given_wh.discharge[row] - stored.lost_pv[row] - stored.lost_grid[row])
        after = stored.opening[row + 1]
        assert all(lot.wh > 0 for lot in after)
        if beyond == 0:
            assert sum(lot.wh for lot in after) == held
        held = sum(lot.wh for lot in after)
        held_pv += int(charge_pv[row] - stored.given_pv[row] - stored.lost_pv[row] - stored.doubted[row])
        assert sum(lot.wh for lot in after if lot.pv) == held_pv


@given(worlds())
@settings(max_examples=100)
def test_the_claim_is_never_above_what_generation_left_here(world):
    given_wh, taken, lots = world
    found = allocate(given_wh, taken, starts(len(given_wh)), lots)
    claimed = found.flow[Source.PV, Sink.EV] + found.flow[Source.ESS_PV, Sink.EV]
    here = given_wh.pv + found.stored.given_pv - np.minimum(given_wh.export, given_wh.grid)
    assert (claimed <= np.maximum(here, 0)).all()


@given(worlds())
@settings(max_examples=100)
def test_books_of_an_interval_balance_and_come_out_alike_when_run_again(world):
    given_wh, taken, lots = world
    grid = Grid(STEP_US, len(given_wh))
    ids = ("a", "b", "c", "d")
    books = contents(Balance(given_wh, taken, np.zeros(len(given_wh), bool), {}, {}), grid, ids, lots)
    for row, content in enumerate(books):
        assert imbalances(content) == []
        assert ledger.again(content, grid.start_us + row * STEP_US) == content


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=12), st.integers(0, 100))
def test_a_session_is_never_more_than_a_wh_away_from_its_share(wh, share):
    taken = uses(*((0, place, one) for place, one in enumerate(wh)))
    total = sum(wh)
    pv = total * share // 100
    to_ev = np.array([[pv], [0], [0], [0], [0], [total - pv], [0]], np.int64)
    found = shared(to_ev, taken)
    exact = np.array(wh) * pv / total
    assert (np.abs(found[:, Source.PV] - exact) < 1).all()
