"""Where every Wh came from: 10^5 sessions with resets, gaps, disorder and signed registers; ``make bench NAME=origin``.

Sessions and registers of seeded site-years are known exactly (origin_year.py). Counted: Wh that sessions' origins and the books'
accounts differ from their registers, intervals that do not balance, renewable Wh claimed beyond what generation left at the site,
and the CPU time of a site-year from reads to sealed books. The peer is the percentage method: the renewable share of a month's
energy (generation used here over all energy used here), times each session's kWh. Its error is told beside ours against the same
rule run on what truly passed each five minutes.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
import numpy as np
from origin_year import CAPACITY_WH, FIVE_US, START_US, WAY, Year, year
from report import Row, tell, write

from dure.services.charging.origin import chain
from dure.services.charging.origin.allocating import RULE, allocate
from dure.services.charging.origin.balancing import balance
from dure.services.charging.origin.booking import Stamp, rows_to_book
from dure.services.charging.origin.chain import GENESIS
from dure.services.charging.origin.ledger import contents, imbalances
from dure.services.charging.origin.model import Measured, Sink, Source, Uses
from dure.services.charging.origin.registers import Grid
from dure.services.charging.origin.session_use import session_use

CLAIM_US = 3_600_000_000
SITES = 10
PEER = "percentage of a month"


class Found(NamedTuple):
    """What one site-year gave."""

    sessions: int
    faults: dict[str, int]
    session_error_wh: int
    reads_error_wh: int
    register_error_wh: int
    unbalanced: int
    beyond_wh: int
    cpu_s: float
    sealed: bool
    ours_error_wh: float
    peer_error_wh: float
    peer_sum_wh: float
    renewable_wh: int


def one_year(seed: int, days: int) -> Found:
    """A site-year, booked and held against the truth."""
    made = year(seed, days)
    grid = Grid(START_US, days * 96)
    begun = time.process_time()
    found = balance(made.site, grid, CLAIM_US)
    books = contents(found, grid, made.site.session_ids)
    stamp = Stamp(f"site-{seed}", 0, GENESIS, datetime(2027, 1, 1, tzinfo=UTC), RULE, "factors@bench")
    rows = rows_to_book(books, grid, {}, stamp, lambda _: "")
    cpu_s = time.process_time() - begun
    by_origin = _by_origin(books)
    energy = dict(zip(made.site.session_ids, made.energy_wh.tolist(), strict=True))
    errors = [abs(sum(by_origin.get(one, {}).values()) - wh) for one, wh in energy.items()]
    renewable = {one: sum(parts.get(name, 0) for name in ("pv", "ess_pv")) for one, parts in by_origin.items()}
    truth = _true_renewable(made, days)
    peer = _by_percentage(made, days)
    mine = np.array([renewable.get(one, 0) for one in made.site.session_ids], float)
    here = found.measured.pv + found.measured.untimed - found.measured.export
    return Found(
        sessions=len(energy),
        faults=made.faults,
        session_error_wh=max(errors),
        reads_error_wh=_reads_error(made, grid),
        register_error_wh=_register_error(made, books),
        unbalanced=sum(bool(imbalances(one)) for one in books[:: max(1, len(books) // 4_000)]),
        beyond_wh=max(0, int(mine.sum() - here.sum())),
        cpu_s=cpu_s,
        sealed=chain.verify(f"site-{seed}", rows).sound,
        ours_error_wh=float(np.abs(mine - truth).mean()),
        peer_error_wh=float(np.abs(peer - truth).mean()),
        peer_sum_wh=float(abs(np.rint(peer).sum() - peer.sum())),
        renewable_wh=int(mine.sum()),
    )


def _by_origin(books):
    found: dict[str, dict[str, int]] = {}
    for content in books:
        for entry in content.entries:
            if entry.session:
                parts = found.setdefault(entry.session, {})
                parts[entry.origin] = parts.get(entry.origin, 0) + entry.wh
    return found


def _reads_error(made: Year, grid: Grid) -> int:
    """The greatest difference between what reads of a session alone say, resets explained, and its registers [Wh]."""
    reads = msgspec.structs.replace(made.site.sessions, energy_wh=np.full(len(made.starts_us), -1))
    uses = session_use(reads, made.site.evse, grid, CLAIM_US).uses
    return int(np.abs(np.bincount(uses.session, uses.wh, len(made.starts_us)).astype(np.int64) - made.energy_wh).max())


def _register_error(made: Year, books) -> int:
    """The greatest difference between an account of the books and its register [Wh]."""
    sums: dict[str, int] = {}
    for content in books:
        for name, wh in content.measured.items():
            sums[name] = sums.get(name, 0) + wh
    sums["pv"] = sums.get("pv", 0) + sums.get("untimed", 0)
    sums["grid net"] = sums.get("grid", 0) - sums.get("export", 0)
    return max(abs(sums.get(name, 0) - wh) for name, wh in made.register_wh.items())


def _true_renewable(made: Year, days: int) -> np.ndarray:
    """(s,) renewable Wh by the same rule on what truly passed each five minutes."""
    grid = Grid(START_US, days * 288, FIVE_US)
    whole = {name: np.diff(np.floor(np.cumsum(flow) + 1e-6), prepend=0).astype(np.int64) for name, flow in made.flows.items()}
    uses = _true_uses(made, grid)
    none = np.zeros(grid.n, np.int64)
    ev = np.bincount(uses.interval, uses.wh, grid.n).astype(np.int64)
    ceiling = np.ceil(made.flows["stored"] * WAY).astype(np.int64)
    measured = Measured(
        pv=whole["pv"], untimed=none, charge=whole["charge"], kept=np.floor(whole["charge"] * WAY * WAY).astype(np.int64),
        discharge=whole["discharge"], grid=whole["grid"], export=whole["export"], load=none, ev=ev, vehicle=none,
        ceiling=ceiling, trust=none, hidden=np.zeros(grid.n, bool),
    )  # fmt: skip
    found = allocate(measured, uses, grid.bounds()[:-1])
    parts = found.by_session[:, Source.PV] + found.by_session[:, Source.ESS_PV]
    assert CAPACITY_WH > 0
    assert found.flow[Source.PV, Sink.EV].sum() > 0
    return np.bincount(uses.session, parts, len(made.starts_us))


def _true_uses(made: Year, grid: Grid) -> Uses:
    """What each session truly took each five minutes."""
    first = (made.starts_us - START_US) // FIVE_US
    last = -((START_US - made.ends_us) // FIVE_US)
    owner = np.repeat(np.arange(len(first)), last - first)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(last - first) - (last - first), last - first) + first[owner]
    low = np.maximum(START_US + place * FIVE_US, made.starts_us[owner])
    high = np.minimum(START_US + (place + 1) * FIVE_US, made.ends_us[owner])
    begin = made.starts_us[owner]
    wh = np.floor(made.power_w[owner] * (high - begin) / 3.6e9) - np.floor(made.power_w[owner] * (low - begin) / 3.6e9)
    keep = (wh > 0) & (place < grid.n)
    order = np.lexsort((owner[keep], place[keep]))
    rows = np.flatnonzero(keep)[order]
    return Uses(place[rows], owner[rows], wh[rows].astype(np.int64), np.ones(len(rows), bool))


def _by_percentage(made: Year, days: int) -> np.ndarray:
    """(s,) renewable Wh by the share of each month."""
    month = np.minimum(np.arange(days * 288) // (288 * 30), 11)
    sums = {name: np.bincount(month, made.flows[name], 12) for name in ("pv", "grid", "export")}
    used = np.maximum(sums["pv"] - sums["export"], 0)
    share = used / np.maximum(used + sums["grid"], 1)
    return share[np.minimum((made.starts_us - START_US) // (30 * 86_400_000_000), 11)] * made.energy_wh


def main() -> int:
    quick = "--quick" in sys.argv
    days, sites = (30, 1) if quick else (365, SITES)
    found = [one_year(seed, days) for seed in range(1, sites + 1)]
    count = sum(one.sessions for one in found)
    weights = [one.sessions / count for one in found]
    mine = sum(one.ours_error_wh * weight for one, weight in zip(found, weights, strict=True))
    peer = sum(one.peer_error_wh * weight for one, weight in zip(found, weights, strict=True))
    rows = [
        Row(figure="sessions with their registers", ours=count, unit="1", better="higher", bar=None if quick else 1e5),
        *(
            Row(figure=f"faults made: {kind}", ours=sum(one.faults[kind] for one in found), unit="1", better="higher")
            for kind in found[0].faults
        ),
        Row(
            figure="origins of a session beside its register, greatest difference", unit="Wh", better="lower", bar=1,
            ours=max(one.session_error_wh for one in found), peer=max(one.peer_sum_wh for one in found),
            peer_name=f"{PEER}: whole Wh of all sessions beside their sum",
        ),
        Row(
            figure="a session by its reads alone beside its register, greatest difference", unit="Wh", better="lower", bar=1,
            ours=max(one.reads_error_wh for one in found),
        ),
        Row(
            figure="accounts of a site-year beside its registers, greatest difference", unit="Wh", better="lower", bar=1,
            ours=max(one.register_error_wh for one in found),
        ),
        Row(figure="intervals that do not balance", ours=sum(one.unbalanced for one in found), unit="1", better="lower", bar=0),
        Row(
            figure="renewable Wh claimed beyond what generation left here", ours=sum(one.beyond_wh for one in found), unit="Wh",
            better="lower", bar=0,
        ),
        Row(figure="chains that do not verify", ours=sum(not one.sealed for one in found), unit="1", better="lower", bar=0),
        Row(
            figure="renewable Wh of a session beside the truth of five minutes, mean error", ours=mine, unit="Wh", better="lower",
            peer=peer, peer_name=PEER,
        ),
        Row(
            figure="a site-year from reads to sealed books, CPU, slowest", ours=max(one.cpu_s for one in found), unit="s",
            better="lower", bar=5,
        ),
    ]  # fmt: skip
    (tell if quick else write)("origin", rows)
    return 0 if all(row.met in (True, None) for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
