"""The origin ledger on both engines: rows are kept as they were sealed, and no interval is booked twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import msgspec
import numpy as np
import pytest

from dure.core.errors import Conflict
from dure.engines.records.store import Records
from dure.services.charging.origin import chain, origin_records
from dure.services.charging.origin.balancing import Balance
from dure.services.charging.origin.booking import Stamp, rows_to_book
from dure.services.charging.origin.chain import GENESIS, Row
from dure.services.charging.origin.ledger import contents
from dure.services.charging.origin.model import Lot, Measured, Uses
from dure.services.charging.origin.registers import STEP_US, Grid
from dure.services.charging.origin.split import Split, split_of

START = datetime(2026, 11, 24, tzinfo=UTC)
GRID = Grid(round(START.timestamp()) * 1_000_000, 3)
LOTS = (Lot(GRID.start_us - STEP_US, True, 700),)  # noqa: FBT003  # a column of a row


def contents_of(pv: int) -> list:
    columns = {name: np.zeros(3, np.int64) for name in Measured.__struct_fields__}
    columns |= {"pv": np.full(3, pv), "ev": np.array([900, 0, 100]), "discharge": np.array([300, 0, 0])}
    columns |= {"ceiling": np.full(3, -1), "hidden": np.zeros(3, bool)}
    uses = Uses(np.array([0, 0, 2]), np.array([0, 1, 1]), np.array([400, 500, 100]), np.ones(3, bool))
    return contents(Balance(Measured(**columns), uses, np.zeros(3, bool), {}, {}), GRID, ("s-1", "s-2"), LOTS)


def rows(pv: int, held: dict[datetime, Row], seq: int = 0, head: str = GENESIS) -> list[Row]:
    stamp = Stamp("site-1", seq, head, START + timedelta(hours=1), "origin-1", "factors@2026-11")
    return rows_to_book(contents_of(pv), GRID, held, stamp, lambda start_us: f"{start_us:064d}")


def test_rows_come_back_as_they_were_sealed(records: Records) -> None:
    booked = rows(500, {})
    with records.begin() as connection:
        origin_records.append(connection, booked)
    with records.read() as connection:
        assert list(origin_records.chain(connection, "site-1")) == booked
        assert origin_records.rows_of(connection, "site-1", START, START + timedelta(minutes=15)) == booked[:1]
        assert origin_records.state(connection, "site-1")[:2] == (3, booked[-1].sha256)
        assert chain.verify("site-1", origin_records.chain(connection, "site-1")).sound
        assert origin_records.sites_booked(connection) == ["site-1"]


def test_corrections_are_further_rows_and_sums_are_the_newest(records: Records) -> None:
    booked = rows(500, {})
    corrected = rows(600, origin_records.newest(booked), 3, booked[-1].sha256)
    with records.begin() as connection:
        origin_records.append(connection, booked)
        origin_records.append(connection, corrected)
    with records.read() as connection:
        sums = origin_records.sums(connection, "site-1", START, START + timedelta(hours=1))
        got = origin_records.of_sessions(connection, ["s-1", "s-2", "none"])
        assert chain.verify("site-1", origin_records.chain(connection, "site-1")).rows == len(booked) + len(corrected)
        by_interval = origin_records.by_interval(connection, "site-1", START, START + timedelta(minutes=15))
    assert [row.n for row in corrected] == [1, 1, 1]
    assert sum(wh for (source, _, _), wh in sums.items() if source == "pv") == 1_800
    assert sum(got["s-1"].values()) == 400
    assert sum(got["s-2"].values()) == 600
    assert by_interval[START]["pv", "ev", "pv"] == 600


def test_an_interval_that_another_has_booked_is_refused_whole(records: Records) -> None:
    booked = rows(500, {})
    with records.begin() as connection:
        origin_records.append(connection, booked[:1])
    with pytest.raises(Conflict) as refused, records.begin() as connection:
        origin_records.append(connection, rows(700, {}))
    assert refused.value.code == "origin.taken"
    with records.read() as connection:
        assert list(origin_records.chain(connection, "site-1")) == booked[:1]


def test_of_two_that_book_at_once_one_is_refused(records: Records) -> None:
    gate = Barrier(2)

    def book(pv: int) -> bool:
        gate.wait(10)
        try:
            with records.begin() as connection:
                origin_records.append(connection, rows(pv, {}))
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(book, (500, 600)))
    assert sorted(done) == [False, True]
    with records.read() as connection:
        kept = list(origin_records.chain(connection, "site-1"))
    assert kept == rows((500, 600)[done.index(True)], {})
    assert chain.verify("site-1", kept).sound


def test_a_split_counts_once_it_is_final(records: Records) -> None:
    split = Split(
        session="s-1", site="site-1", energy_wh=400, pv_wh=200, ess_pv_wh=50, ess_grid_wh=50, grid_wh=100, final=False,
        booked_at=START,
    )  # fmt: skip
    final = msgspec.structs.replace(split, final=True)
    with records.begin() as connection:
        origin_records.put_splits(connection, [split])
    with records.begin() as connection:
        assert split_of(connection, "s-1") is None
        assert list(origin_records.open_since(connection, "site-1")) == ["s-1"]
        origin_records.put_splits(connection, [final])
    with records.read() as connection:
        assert split_of(connection, "s-1") == final
        assert split_of(connection, "s-2") is None
        assert origin_records.splits_of(connection, ["s-1", "s-2"]) == {"s-1": final}
