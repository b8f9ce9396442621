"""The energy balance of a site by intervals, from the registers of its meters and its sessions. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from dure.services.charging.origin.model import Ints, Measured, Trust, Uses
from dure.services.charging.origin.registers import Bools, Counting, Exchange, Grid, Note, Passed, Reads, passed
from dure.services.charging.origin.session_use import SessionReads, session_use

Role = Literal["pv", "charge", "discharge", "grid", "export", "load", "vehicle"]


class Meter(msgspec.Struct, frozen=True, eq=False):
    """One register of a site: what it counts, whose it is, how it counts, and its reads."""

    role: Role
    asset: str
    property: str
    counting: Counting
    reads: Reads
    exchanges: tuple[Exchange, ...] = ()


class StorageState(msgspec.Struct, frozen=True, eq=False):
    """One storage: efficiency of each way, capacity [Wh], and reads of its state of charge (k,) 0..1, in time."""

    asset: str
    charge_efficiency: float
    discharge_efficiency: float
    capacity_wh: float
    time_us: Ints
    soc: np.ndarray[tuple[int], np.dtype[np.float64]]


class SiteReads(msgspec.Struct, frozen=True, eq=False):
    """All that is known of a site for a span of time: registers, storages, sessions and their ids."""

    meters: tuple[Meter, ...]
    storages: tuple[StorageState, ...]
    session_ids: tuple[str, ...]
    sessions: SessionReads
    evse: Counting


class Balance(msgspec.Struct, frozen=True, eq=False):
    """What a site's registers say of n intervals.

    Attributes
    ----------
    estimated : (n,) bool, some Wh of it were cut out of a long step or had to be explained
    silent : by register (``asset/property``), the intervals (n,) in which nothing is known of it
    """

    measured: Measured
    uses: Uses
    estimated: Bools
    silent: dict[str, Bools]
    notes: dict[str, tuple[Note, ...]]


def balance(site: SiteReads, grid: Grid, claim_us: int) -> Balance:
    """What a site's registers say of the intervals of a grid.

    Parameters
    ----------
    claim_us : what passed in a longer step of PV or storage is not claimed, for nobody knows in which interval it did [us]
    """
    found = [(meter, passed(meter.reads, meter.counting, grid, meter.exchanges)) for meter in site.meters]
    total = {role: _sum(found, role, grid.n) for role in ("pv", "charge", "discharge", "grid", "export", "load", "vehicle")}
    total["grid"] += _sum(found, "export", grid.n, back=True)
    total["export"] += _sum(found, "grid", grid.n, back=True)
    use = session_use(site.sessions, site.evse, grid, claim_us)
    untimed = _sum_where(found, grid, claim_us)
    estimated = np.zeros(grid.n, bool)
    for _, one in found:
        estimated |= one.estimated
    estimated[use.uses.interval[use.estimated]] = True
    measured = Measured(
        pv=total["pv"] - untimed,
        untimed=untimed,
        charge=total["charge"],
        kept=_kept(site, found, grid.n),
        discharge=total["discharge"],
        grid=total["grid"],
        export=total["export"],
        load=total["load"],
        ev=np.bincount(use.uses.interval, use.uses.wh, grid.n).astype(np.int64),
        vehicle=total["vehicle"],
        ceiling=_ceiling(site.storages, grid),
        trust=_trust(site, found, grid, claim_us),
        hidden=_hidden(found, grid.n),
    )
    names = {f"{meter.asset}/{meter.property}": one for meter, one in found}
    return Balance(
        measured,
        use.uses,
        estimated,
        {name: ~one.known for name, one in names.items() if not one.known.all()},
        {name: one.notes for name, one in names.items() if one.notes},
    )


def _sum(found: Sequence[tuple[Meter, Passed]], role: Role, n: int, *, back: bool = False) -> Ints:
    whole = np.zeros(n, np.int64)
    for meter, one in found:
        if meter.role == role:
            whole += one.back if back else one.wh
    return whole


def _sum_where(found: Sequence[tuple[Meter, Passed]], grid: Grid, claim_us: int) -> Ints:
    """What was generated at a time nobody knows to `claim_us`."""
    whole = np.zeros(grid.n, np.int64)
    for meter, one in found:
        if meter.role == "pv":
            whole += np.where(_untimed(meter, one, grid, claim_us), one.wh, 0)
    return whole


def _untimed(meter: Meter, one: Passed, grid: Grid, claim_us: int) -> Bools:
    """Intervals that lie in a step longer than `claim_us`, wholly or in part, and took Wh of it."""
    if not one.estimated.any():
        return one.estimated
    times = np.sort(meter.reads.time_us)
    long = np.flatnonzero(np.diff(times) > claim_us)
    mask = np.zeros(grid.n + 1, np.int64)
    first = np.clip((times[long] - grid.start_us) // grid.step_us, 0, grid.n)
    last = np.clip(-((grid.start_us - times[long + 1]) // grid.step_us), 0, grid.n)
    np.add.at(mask, first, 1)
    np.add.at(mask, last, -1)
    return (np.cumsum(mask)[: grid.n] > 0) & (one.wh > 0)


def _kept(site: SiteReads, found: Sequence[tuple[Meter, Passed]], n: int) -> Ints:
    """Of what storages took in, what they can give out again by their efficiencies, rounded down."""
    whole = np.zeros(n, np.int64)
    ways = {one.asset: one.charge_efficiency * one.discharge_efficiency for one in site.storages}
    for meter, one in found:
        if meter.role == "charge":
            whole += np.floor(one.wh * ways.get(meter.asset, 1.0)).astype(np.int64)
    return whole


def _ceiling(storages: Sequence[StorageState], grid: Grid) -> Ints:
    """The most that can be given out at the end of each interval, by states of charge read within it; -1 where one is missing."""
    whole = np.zeros(grid.n, np.int64)
    known = np.full(grid.n, bool(storages))
    ends = grid.bounds()[1:]
    for one in storages:
        if len(one.time_us) == 0:
            return np.full(grid.n, -1, np.int64)
        at = np.searchsorted(one.time_us, ends, side="right") - 1
        held = np.maximum(at, 0)
        known &= (at >= 0) & (ends - one.time_us[held] < grid.step_us)
        whole += np.ceil(one.soc[held] * one.capacity_wh * one.discharge_efficiency).astype(np.int64)
    return np.where(known, whole, -1)


def _trust(site: SiteReads, found: Sequence[tuple[Meter, Passed]], grid: Grid, claim_us: int) -> Ints:
    """Whether the registers of storage can be relied on, by interval."""
    trust = np.zeros(grid.n, np.int64)
    read = {(meter.asset, meter.role) for meter in site.meters}
    for meter, one in found:
        if meter.role in {"charge", "discharge"}:
            trust = np.maximum(trust, np.where(_untimed(meter, one, grid, claim_us), Trust.UNTIMED, Trust.SURE))
            trust = np.where(one.known & ~one.doubted, trust, Trust.SILENT)
    if any((one.asset, role) not in read for one in site.storages for role in ("charge", "discharge")):
        trust[:] = Trust.SILENT
    return trust


def _hidden(found: Sequence[tuple[Meter, Passed]], n: int) -> Bools:
    """Where what is exported is not known: no register counts it, or it was not read."""
    known = np.zeros(n, bool)
    for meter, one in found:
        if meter.role == "export" or (meter.role == "grid" and meter.counting.net):
            known |= one.known & ~one.doubted
    return ~known
