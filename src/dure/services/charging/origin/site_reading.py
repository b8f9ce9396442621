"""Register reads and sessions of a site, from telemetry and records, as the ledger takes them. Blocks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Flag
from dure.core.time import to_us
from dure.services.charging.origin import exchange_records
from dure.services.charging.origin.balancing import Meter, Role, SiteReads, StorageState
from dure.services.charging.origin.registers import Counting, Reads
from dure.services.charging.origin.session_use import SessionReads

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.engines.telemetry.port import Telemetry
    from dure.services.charging.model import Site
    from dure.services.charging.origin.model import Ints
    from dure.services.charging.origin.origin_rules import OriginRules
    from dure.services.charging.sessions.model import Session
    from dure.spine.house import House

SessionSource = Callable[["Connection", str, datetime, datetime], "Sequence[Session]"]
USED = (Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT)
OPTIONAL = frozenset({"export", "load", "vehicle"})  # a site where such a register was never read is whole all the same
NO_READS = Reads(np.zeros(0, np.int64), np.zeros(0, np.int64))


def registers_of(site: Site, rules: OriginRules) -> list[tuple[Role, str, str, Counting]]:
    """Every register a site may have: role, asset, property, how it counts."""
    power_w = max(site.contract_w + sum(one.peak_w for one in site.solar), sum(one.power_w for one in site.evses), 1_000.0)
    found: list[tuple[Role, str, str, float]] = [("pv", one.id, "solar_register", one.peak_w) for one in site.solar]
    for one in site.storage:
        found.append(("charge", one.id, "storage_charge_register", one.charge_w))
        found.append(("discharge", one.id, "storage_discharge_register", one.discharge_w))
    if site.meter:
        found.append(("grid", site.meter, "grid_import_register", 2 * power_w))
        found.append(("export", site.meter, "grid_export_register", 2 * power_w))
        found.append(("load", site.meter, "site_load_register", 2 * power_w))
    found += [("vehicle", evse.id, "evse_return_register", evse.power_w) for evse in site.evses]
    return [
        (role, asset, name, Counting(rate_max_w=max(rate_w, 1_000.0), long_us=rules.long_us))
        for role, asset, name, rate_w in found
    ]


def site_reads(house: House, site: Site, sessions: Sequence[Session], span_us: tuple[int, int], rules: OriginRules) -> SiteReads:
    """All that is known of a site in a span of time; sessions that began before it are read from their begin on."""
    telemetry = house.telemetry
    with house.records.read() as connection:
        noted = exchange_records.of_assets(connection, {asset for asset, _ in exchange_records.registers_of(site)})
    exchanges, meters = exchange_records.by_register(noted, span_us), []
    for role, asset, name, counting in registers_of(site, rules):
        reads = reads_of(telemetry, asset, name, span_us)
        if len(reads) or role not in OPTIONAL or house.live.get(asset, name) is not None:
            known = exchanges.get((asset, name), ())
            meters.append(Meter(role=role, asset=asset, property=name, counting=counting, reads=reads, exchanges=known))
    storages = tuple(
        StorageState(
            asset=one.id,
            charge_efficiency=one.charge_efficiency,
            discharge_efficiency=one.discharge_efficiency,
            capacity_wh=one.capacity_wh,
            time_us=(soc := _soc(telemetry, one.id, span_us))[0],
            soc=soc[1],
        )
        for one in site.storage
    )
    ordered = sorted(sessions, key=lambda one: one.id)
    evse = Counting(rate_max_w=max([one.power_w for one in site.evses] or [400_000.0]), long_us=rules.long_us)
    return SiteReads(
        meters=tuple(meters),
        storages=storages,
        session_ids=tuple(one.id for one in ordered),
        sessions=session_reads(telemetry, ordered, span_us[1]),
        evse=evse,
    )


def reads_of(telemetry: Telemetry, asset: str, name: str, span_us: tuple[int, int]) -> Reads:
    """Reads of a register that may be used."""
    rows = telemetry.series((asset, name), *span_us)
    good = np.isin(rows.flag, USED) & ~np.isnan(rows.value)
    return Reads(rows.time_us[good], np.rint(rows.value[good]).astype(np.int64))


def _soc(telemetry: Telemetry, asset: str, span_us: tuple[int, int]) -> tuple[Ints, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    rows = telemetry.series((asset, "storage_soc"), *span_us)
    good = np.isin(rows.flag, USED) & ~np.isnan(rows.value)
    return rows.time_us[good], rows.value[good]


def session_reads(telemetry: Telemetry, sessions: Sequence[Session], until_us: int) -> SessionReads:
    """Reads of the registers of sessions, from the begin to the end of each, with those the transaction itself told."""
    by_evse: dict[str, Reads] = {}
    for evse in {one.evse for one in sessions if one.evse}:
        mine = [one for one in sessions if one.evse == evse]
        first_us = min(to_us(one.started_at) for one in mine)
        last_us = max(to_us(one.ended_at) + 1 if one.ended_at else until_us for one in mine)
        by_evse[evse] = reads_of(telemetry, evse, "evse_register", (first_us, last_us))
    places, times, values, ends, energy = [], [], [], [], []
    for place, one in enumerate(sessions):
        time_us, wh = _of_session(one, by_evse.get(one.evse, NO_READS))
        start_us = to_us(one.started_at)
        end_us = to_us(one.ended_at) if one.ended_at else int(time_us.max(initial=start_us))
        places.append(np.full(len(time_us), place, np.int64))
        times.append(time_us)
        values.append(wh)
        ends.append(max(end_us, start_us))
        energy.append(one.energy_wh if one.ended_at else -1)
    return SessionReads(
        start_us=np.array([to_us(one.started_at) for one in sessions], np.int64),
        end_us=np.array(ends, np.int64),
        energy_wh=np.array(energy, np.int64),
        session=np.concatenate([*places, np.zeros(0, np.int64)]),
        time_us=np.concatenate([*times, np.zeros(0, np.int64)]),
        wh=np.concatenate([*values, np.zeros(0, np.int64)]),
    )


def _of_session(one: Session, reads: Reads) -> tuple[Ints, Ints]:
    """Reads of one session; the registers at begin and end count before others of the same instant."""
    start_us = to_us(one.started_at)
    inside = reads.time_us >= start_us
    if one.ended_at:
        inside &= reads.time_us <= to_us(one.ended_at)
    time_us, wh = reads.time_us[inside], reads.wh[inside]
    if one.begin_wh is not None:
        keep = time_us != start_us
        time_us, wh = np.append(time_us[keep], start_us), np.append(wh[keep], one.begin_wh)
    if one.end_wh is not None and one.ended_at:
        keep = time_us != (end_us := to_us(one.ended_at))
        time_us, wh = np.append(time_us[keep], end_us), np.append(wh[keep], one.end_wh)
    return time_us, wh


def digest_of(site: SiteReads, start_us: int, end_us: int) -> str:
    """SHA-256 of the reads an interval rests on: of each register from the last before it to the first after it."""
    found = hashlib.sha256()
    for meter in sorted(site.meters, key=lambda one: (one.asset, one.property)):
        order = np.argsort(meter.reads.time_us, kind="stable")
        times, wh = meter.reads.time_us[order], meter.reads.wh[order]
        first = max(int(np.searchsorted(times, start_us, side="right")) - 1, 0)
        last = int(np.searchsorted(times, end_us)) + 1
        found.update(f"{meter.asset}/{meter.property}\n".encode())
        found.update(times[first:last].astype("<i8").tobytes())
        found.update(wh[first:last].astype("<i8").tobytes())
        for one in meter.exchanges:
            if times[first:last].size and times[first] < one.at_us <= times[min(last, len(times)) - 1]:
                found.update(f"exchange {one.at_us} {one.last} {one.first}\n".encode())
    sessions = site.sessions
    for place in np.flatnonzero((sessions.start_us < end_us) & (sessions.end_us > start_us)).tolist():
        mine = sessions.session == place
        found.update(f"{site.session_ids[place]}\n".encode())
        found.update(sessions.time_us[mine].astype("<i8").tobytes())
        found.update(sessions.wh[mine].astype("<i8").tobytes())
    return found.hexdigest()
