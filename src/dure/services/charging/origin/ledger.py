"""The books of intervals: double entries in whole Wh, and the sums they must meet. Pure.

An entry says how many Wh went from an account to another and of which origin they count. Accounts are ``pv``, ``untimed`` (PV
that is not known to the hour), ``ess_pv`` and ``ess_grid`` (lots in storage), ``vehicle``, ``grid``, ``unmetered`` where energy
comes from; ``ev`` (a session), ``ess``, ``load``, ``export``, ``unmetered`` and ``loss`` where it goes. What a session took in an
interval has one entry for each source, so its parts sum to its register.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from dure.core.time import from_us
from dure.services.charging.origin.allocating import allocate
from dure.services.charging.origin.balancing import Balance
from dure.services.charging.origin.model import (
    ORIGIN_OF,
    SINK_WORDS,
    SOURCE_WORDS,
    Allocated,
    Drawn,
    Lot,
    Measured,
    Sink,
    Source,
    Uses,
)
from dure.services.charging.origin.registers import Grid

MEASURED = (
    "pv", "untimed", "charge", "kept", "discharge", "grid", "export", "load", "ev", "vehicle", "ceiling", "trust", "hidden",
)  # fmt: skip
SOURCES = {"pv": "pv", "untimed": "untimed", "discharge": "ess", "vehicle": "vehicle", "grid": "grid"}
SINKS = {"ev": "ev", "charge": "ess", "load": "load", "export": "export"}


class Entry(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Wh that went from an account to another; `session` where it went to a vehicle. Below 0 only in a correction."""

    source: str
    sink: str
    origin: str
    session: str
    wh: int


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the books about an interval.

    Attributes
    ----------
    measured : by the registers [Wh], without what is 0; `trust`, `ceiling` and `hidden` as in `model.Measured`
    taken : what each session took: id, Wh, whether it can be claimed
    estimated : some of it was cut out of a long step, or had to be explained
    silent : registers of which nothing is known in the interval
    opening : lots in storage before it; drawn : what was given out of which lot
    """

    measured: dict[str, int]
    taken: tuple[tuple[str, int, bool], ...]
    estimated: bool
    silent: tuple[str, ...]
    opening: tuple[Lot, ...]
    drawn: tuple[Drawn, ...]
    entries: tuple[Entry, ...]


def contents(balance: Balance, grid: Grid, session_ids: Sequence[str], opening: Sequence[Lot] = ()) -> list[Content]:
    """The books of the intervals of a grid, in time.

    Parameters
    ----------
    opening : lots in storage before the first of them
    """
    return _run(balance, grid, session_ids, opening)[0]


def _run(
    balance: Balance, grid: Grid, session_ids: Sequence[str], opening: Sequence[Lot]
) -> tuple[list[Content], tuple[Lot, ...]]:
    allocated = allocate(balance.measured, balance.uses, grid.bounds()[:-1], opening)
    rows = _entries(allocated, session_ids)
    words = _measured(balance.measured)
    taken = _taken(balance, session_ids)
    silent = _silent(balance)
    estimated = balance.estimated.tolist()
    stored = allocated.stored
    made = [
        Content(
            measured=words[row],
            taken=tuple(taken[row]),
            estimated=estimated[row],
            silent=tuple(silent[row]),
            opening=stored.opening[row],
            drawn=stored.drawn[row],
            entries=tuple(sorted(rows[row])),
        )
        for row in range(grid.n)
    ]
    return made, stored.opening[-1]


def again(content: Content, start_us: int) -> Content:
    """The same interval, allocated again from what was measured and the lots before it."""
    return all_again([content], start_us)[0][0]


def left(content: Content, start_us: int) -> tuple[Lot, ...]:
    """Lots in storage after an interval."""
    return all_again([content], start_us)[1]


def all_again(books: Sequence[Content], start_us: int) -> tuple[list[Content], tuple[Lot, ...]]:
    """Intervals that follow each other, allocated again from what was measured and the lots before the first; the lots after."""
    ids = tuple(sorted({one[0] for content in books for one in content.taken}))
    grid = Grid(start_us, len(books))
    found = balance_of(books, ids)
    made, after = _run(found, grid, ids, books[0].opening)
    return [
        msgspec.structs.replace(new, estimated=old.estimated, silent=old.silent) for new, old in zip(made, books, strict=True)
    ], after


def balance_of(books: Sequence[Content], ids: Sequence[str]) -> Balance:
    """What was measured of intervals, as arrays."""
    place = {ident: number for number, ident in enumerate(ids)}
    rows = [(row, place[one], wh, yes) for row, content in enumerate(books) for one, wh, yes in sorted(content.taken)]
    columns = {
        name: np.array([content.measured.get(name, -1 if name == "ceiling" else 0) for content in books], np.int64)
        for name in MEASURED
    }
    uses = Uses(
        np.array([row[0] for row in rows], np.int64),
        np.array([row[1] for row in rows], np.int64),
        np.array([row[2] for row in rows], np.int64),
        np.array([row[3] for row in rows], bool),
    )
    hidden = columns.pop("hidden").astype(bool)
    return Balance(Measured(**columns, hidden=hidden), uses, np.zeros(len(books), bool), {}, {})


def _measured(measured: Measured) -> list[dict[str, int]]:
    """Words of each interval; what is 0 is left out, and so is a ceiling that is not known."""
    found: list[dict[str, int]] = [{} for _ in range(len(measured))]
    for name in MEASURED:
        values = getattr(measured, name).astype(np.int64)
        absent = -1 if name == "ceiling" else 0
        rows = np.flatnonzero(values != absent)
        for row, value in zip(rows.tolist(), values[rows].tolist(), strict=True):
            found[row][name] = value
    return found


def _taken(balance: Balance, ids: Sequence[str]) -> list[list[tuple[str, int, bool]]]:
    found: list[list[tuple[str, int, bool]]] = [[] for _ in range(len(balance.measured))]
    uses = balance.uses
    columns = (uses.interval, uses.session, uses.wh, uses.claimable)
    for row, session, wh, claimable in zip(*(one.tolist() for one in columns), strict=True):
        found[row].append((ids[session], wh, claimable))
    return found


def _silent(balance: Balance) -> list[list[str]]:
    found: list[list[str]] = [[] for _ in range(len(balance.measured))]
    for name in sorted(balance.silent):
        for row in np.flatnonzero(balance.silent[name]).tolist():
            found[row].append(name)
    return found


def _entries(allocated: Allocated, ids: Sequence[str]) -> list[list[Entry]]:
    n = allocated.flow.shape[2]
    found: list[list[Entry]] = [[] for _ in range(n)]
    for source in Source:
        for sink in Sink:
            if sink is Sink.EV:
                continue
            flow = allocated.flow[source, sink]
            rows = np.flatnonzero(flow)
            words = (SOURCE_WORDS[source], SINK_WORDS[sink], ORIGIN_OF[source], "")
            for row, wh in zip(rows.tolist(), flow[rows].tolist(), strict=True):
                found[row].append(Entry(*words, wh))
    _add_sessions(found, allocated, ids)
    stored = allocated.stored
    moves = (
        ("ess_pv", "loss", "ess_pv", stored.lost_pv),
        ("ess_grid", "loss", "ess_grid", stored.lost_grid),
        ("ess_pv", "ess_grid", "ess_grid", stored.doubted),
    )
    for source_word, sink_word, origin, column in moves:
        rows = np.flatnonzero(column)
        for row, wh in zip(rows.tolist(), column[rows].tolist(), strict=True):
            found[row].append(Entry(source_word, sink_word, origin, "", wh))
    return found


def _add_sessions(found: list[list[Entry]], allocated: Allocated, ids: Sequence[str]) -> None:
    uses = allocated.uses
    places, sessions, claimable = uses.interval.tolist(), uses.session.tolist(), uses.claimable.tolist()
    for source in Source:
        column = allocated.by_session[:, source]
        rows = np.flatnonzero(column)
        for row, wh in zip(rows.tolist(), column[rows].tolist(), strict=True):
            origin = ORIGIN_OF[source] if claimable[row] else "grid"
            found[places[row]].append(Entry(SOURCE_WORDS[source], "ev", origin, ids[sessions[row]], wh))


def imbalances(content: Content) -> list[str]:
    """What of an interval does not balance, in words; none, or the books are wrong."""
    told: list[str] = []
    out: dict[str, int] = {}
    into: dict[str, int] = {}
    sessions: dict[str, int] = {}
    for one in content.entries:
        if one.sink not in {"loss", "ess_grid"}:
            out[_store(one.source)] = out.get(_store(one.source), 0) + one.wh
            into[one.sink] = into.get(one.sink, 0) + one.wh
        if one.session:
            sessions[one.session] = sessions.get(one.session, 0) + one.wh
    for name, account in SOURCES.items():
        if out.get(account, 0) != content.measured.get(name, 0):
            told.append(f"{account}: {out.get(account, 0)} Wh booked, {content.measured.get(name, 0)} Wh measured")
    for name, account in SINKS.items():
        if into.get(account, 0) != content.measured.get(name, 0):
            told.append(f"{account}: {into.get(account, 0)} Wh booked, {content.measured.get(name, 0)} Wh measured")
    told += [
        f"session {one}: {sessions.get(one, 0)} Wh booked, {wh} Wh taken"
        for one, wh, _ in content.taken
        if sessions.get(one, 0) != wh
    ]
    return told


def _store(account: str) -> str:
    return "ess" if account in {"ess_pv", "ess_grid"} else account


def difference(newer: Sequence[Entry], older: Sequence[Entry]) -> tuple[Entry, ...]:
    """Entries that make the older ones the newer ones."""
    found: dict[tuple[str, str, str, str], int] = {}
    for sign, entries in ((1, newer), (-1, older)):
        for one in entries:
            key = (one.source, one.sink, one.origin, one.session)
            found[key] = found.get(key, 0) + sign * one.wh
    return tuple(Entry(*key, wh) for key, wh in sorted(found.items()) if wh)


def totals(entries: Sequence[Entry]) -> Mapping[str, int]:
    """What vehicles got, by origin [Wh]."""
    found: dict[str, int] = {}
    for one in entries:
        if one.sink == "ev":
            found[one.origin] = found.get(one.origin, 0) + one.wh
    return found


def told(content: Content, start_us: int) -> dict[str, Any]:
    """An interval in plain words, for the chain and for JSON."""
    return {"start": from_us(start_us).isoformat().replace("+00:00", "Z"), **msgspec.to_builtins(content)}
