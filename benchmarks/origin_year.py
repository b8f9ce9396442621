"""A site-year of charging that is known exactly, and its registers as a city gets them: reset, gapped, disordered, signed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from dure.services.charging.origin.balancing import Meter, SiteReads, StorageState
from dure.services.charging.origin.registers import Counting, Reads
from dure.services.charging.origin.session_use import SessionReads

FIVE_US = 300_000_000
YEAR = 365 * 288
START_US = 1_767_193_200_000_000  # midnight of 1 January 2026 in Korea
EVSES = 10
CAPACITY_WH, ESS_W, WAY = 300_000, 100_000, 0.95
SHARE = {"reset": 0.02, "gapped": 0.05, "disordered": 0.1}


class Year(NamedTuple):
    """What truly passed by five minutes [Wh, float], sessions, and the reads of all registers."""

    flows: dict[str, np.ndarray]
    starts_us: np.ndarray
    ends_us: np.ndarray
    energy_wh: np.ndarray  # (s,) what the registers of each session say, resets counted
    power_w: np.ndarray
    site: SiteReads
    register_wh: dict[str, int]  # what each register of the site says in all
    faults: dict[str, int]  # how many of each kind were made


def year(seed: int, days: int = 365) -> Year:
    """A year of a site with 10 EVSEs, 150 kW of PV and 300 kWh of storage."""
    chance = np.random.default_rng(seed)
    starts, ends, power, evse = _sessions(chance, days)
    n = days * 288
    ev = _by_five_minutes(starts, ends, power, n)
    flows = _dispatched(ev, _pv(chance, n))
    faults = {"resets": 0, "rollovers": 0, "reads lost": 0, "reads late": 0, "signed registers": seed % 2}
    meters, register_wh = _meters(flows, chance, faults, net=bool(seed % 2))
    reads, energy = _session_reads(chance, (starts, ends, power, evse), faults)
    ids = tuple(f"cs-{seed}-{one:06}" for one in range(len(starts)))
    times = START_US + FIVE_US * np.arange(1, n + 1, dtype=np.int64)
    storage = StorageState("ess", WAY, WAY, CAPACITY_WH, times, flows["stored"] / CAPACITY_WH)
    site = SiteReads(meters, (storage,), ids, reads, Counting(rate_max_w=50_000))
    return Year(flows, starts, ends, energy, power, site, register_wh, faults)


def _sessions(chance, days):
    """Begin, end [us], power [W] and EVSE of sessions: about three a day at each EVSE, none overlapping there."""
    starts, ends, power, evses = [], [], [], []
    for evse in range(EVSES):
        at, limit = float(chance.uniform(0, 8)), days * 24.0
        while at < limit - 6:
            hour = at % 24
            stay = float(chance.uniform(0.3, 4.5))
            if 7 <= hour < 22 or chance.random() < 0.1:
                starts.append(START_US + round(at * 3.6e9))
                ends.append(START_US + round((at + stay) * 3.6e9))
                power.append(float(chance.choice([3_500, 7_000, 11_000, 22_000])))
                evses.append(evse)
            at += stay + float(chance.exponential(3.1))
    order = np.argsort(starts, kind="stable")
    return (np.array(one)[order] for one in (starts, ends, power, evses))


def _by_five_minutes(starts, ends, power, n):
    """(n,) Wh by five minutes of sessions at constant power."""
    bounds = START_US + FIVE_US * np.arange(n + 1, dtype=np.int64)
    rate = np.zeros(n + 1)
    total = np.zeros(n + 1)
    for sign, at in ((1, starts), (-1, ends)):
        place = np.minimum(np.searchsorted(bounds, at), n)
        np.add.at(rate, place, sign * power)
        np.add.at(total, place, sign * power * (bounds[place] - at) / 3.6e9)
    running = np.concatenate([[0], np.cumsum(np.cumsum(rate)[:-1])]) * FIVE_US / 3.6e9
    return np.maximum(np.diff(np.cumsum(total) + running), 0)


def _pv(chance, n):
    at = np.arange(n)
    hour, day = at / 12 % 24, at / 288
    sun = np.maximum(0, np.sin(np.pi * (hour - 6.5) / 11.5)) ** 1.3 * (hour > 6.5) * (hour < 18)
    clouds = np.repeat(chance.beta(3, 1.5, n // 288 + 1), 288)[:n] * np.clip(chance.normal(1, 0.15, n), 0, 1.3)
    return 150_000 / 12 * sun * clouds * (0.8 - 0.2 * np.cos(2 * np.pi * day / 365))


def _dispatched(ev, pv):
    """Storage takes what is left of PV and gives it in the evening; some is charged from the grid by night."""
    n = len(ev)
    out = {name: np.zeros(n) for name in ("charge", "discharge", "grid", "export", "stored")}
    level, step = 0.4 * CAPACITY_WH, ESS_W / 12
    for row, (need, sun) in enumerate(zip(ev.tolist(), pv.tolist(), strict=True)):
        hour = row // 12 % 24
        spare = sun - need
        charge = min(max(spare, 0.0), step, (CAPACITY_WH - level) / WAY)
        if 2 <= hour < 4:
            charge = min(step / 2, (0.3 * CAPACITY_WH - level) / WAY) if level < 0.3 * CAPACITY_WH else charge
        discharge = min(max(-spare, 0.0), step, level * WAY) if charge == 0 and hour >= 15 else 0.0
        level += charge * WAY - discharge / WAY
        net = need + charge - sun - discharge
        out["charge"][row], out["discharge"][row], out["stored"][row] = charge, discharge, level
        out["grid"][row], out["export"][row] = max(net, 0.0), max(-net, 0.0)
    return out | {"pv": pv, "ev": ev}


def _meters(flows, chance, faults, *, net):
    """Registers of the site, read each five minutes: reads lost and late, PV resets, storage rolls over, one is signed."""
    parts = [
        ("pv", "pv", "solar_register", flows["pv"], 200_000),
        ("charge", "ess", "storage_charge_register", flows["charge"], 150_000),
        ("discharge", "ess", "storage_discharge_register", flows["discharge"], 150_000),
    ]
    if net:
        parts.append(("grid", "meter", "grid_import_register", flows["grid"] - flows["export"], 600_000))
    else:
        parts += [
            ("grid", "meter", "grid_import_register", flows["grid"], 600_000),
            ("export", "meter", "grid_export_register", flows["export"], 600_000),
        ]
    meters, totals = [], {}
    for role, asset, name, passed, rate in parts:
        shown = np.concatenate([[0], np.floor(np.cumsum(passed) + 1e-6)]).astype(np.int64) + int(chance.integers(10**6))
        times = START_US + FIVE_US * np.arange(len(shown), dtype=np.int64)
        kept = chance.random(len(shown)) > 0.01
        for at in chance.integers(1, len(shown) - 40, 12):
            kept[at : at + int(chance.integers(3, 36))] = False  # a link that was down for some hours
        kept[[0, -1]] = True
        faults["reads lost"] += int((~kept).sum())
        rows = np.flatnonzero(kept)
        whole, size = int(shown[-1] - shown[0]), 0
        if role == "pv":
            shown, whole = _reset(chance, shown, rows, faults)
        elif role == "charge":
            size = 10_000_000
            faults["rollovers"] += int((np.diff(shown[rows] % size) < 0).sum())
            shown = shown % size
        order = _disordered(chance, rows, 0.02, faults)
        signed = net and role == "grid"
        counting = Counting(rate_max_w=rate, net=signed, size=size)
        meters.append(Meter(role=role, asset=asset, property=name, counting=counting, reads=Reads(times[order], shown[order])))
        totals[f"{role}{' net' if signed else ''}"] = whole
    return tuple(meters), totals


def _reset(chance, shown, rows, faults):
    """A register that begins again at 0 some times a year, and what it says in all: what passed unread nobody can know."""
    shown, whole = shown.copy(), int(shown[-1] - shown[0])
    for place in np.sort(chance.integers(1, len(rows), 5)).tolist():
        at, before = int(rows[place]), int(rows[place - 1])
        passed = int(shown[at] - shown[before])
        if passed <= 3 or shown[before] < 10_000:
            continue
        unread = passed // 2
        shown[at:] = shown[at:] - shown[before] - unread
        whole -= unread
        faults["resets"] += 1
    return shown, whole


def _disordered(chance, rows, share, faults):
    """Rows of which some come later than others after them."""
    late = chance.random(len(rows)) < share
    faults["reads late"] += int(late.sum())
    return rows[np.argsort(np.arange(len(rows)) + np.where(late, chance.integers(1, 200, len(rows)), 0), kind="stable")]


def _session_reads(chance, sessions, faults):
    """Reads each five minutes from the begin of each session, and what its registers say in all."""
    starts, ends, power, evses = sessions
    counts = ((ends - starts) // FIVE_US + 2).astype(np.int64)
    owner = np.repeat(np.arange(len(starts)), counts)
    step = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    times = np.minimum(starts[owner] + step * FIVE_US, ends[owner])
    own = np.floor(power[owner] * (times - starts[owner]) / 3.6e9 + 1e-6).astype(np.int64)
    energy = own[np.cumsum(counts) - 1]
    whole = energy.copy()
    shown = own + _registers_at_begin(energy, evses)[owner]
    for one in np.flatnonzero(chance.random(len(starts)) < SHARE["reset"]).tolist():
        first, last = int(counts[:one].sum()), int(counts[: one + 1].sum())
        if last - first < 4:
            continue
        at = int(chance.integers(first + 1, last - 1))
        unread = int(own[at] - own[at - 1]) // 3  # passed after the last read before the register began again: nobody can know
        shown[at:last] = own[at:last] - own[at - 1] - unread
        whole[one] = energy[one] - unread
        faults["resets"] += 1
    kept = np.ones(len(times), bool)
    for one in np.flatnonzero(chance.random(len(starts)) < SHARE["gapped"]).tolist():
        first, last = int(counts[:one].sum()), int(counts[: one + 1].sum())
        if whole[one] == energy[one] and last - first > 4:
            kept[first + 1 : last - 1] = False
    faults["reads lost"] += int((~kept).sum())
    order = _disordered(chance, np.flatnonzero(kept), SHARE["disordered"], faults)
    reads = SessionReads(starts, ends, whole, owner[order], times[order], shown[order])
    return reads, whole


def _registers_at_begin(energy, evses):
    begin = np.zeros(len(energy), np.int64)
    for evse in range(EVSES):
        mine = np.flatnonzero(evses == evse)
        begin[mine] = 5_000_000 * (evse + 1) + np.concatenate([[0], np.cumsum(energy[mine])[:-1]])
    return begin
