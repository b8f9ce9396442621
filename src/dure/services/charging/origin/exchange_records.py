"""Meters of a site that were replaced, as people noted it: when, the last value of the old register, the first of the new one.

======================  ====================================================================
``exchange.future``     it is dated ahead
``exchange.value``      a register shows no such value
``exchange.register``   the site has no such register
``exchange.unknown``    there is no exchange of it at that instant
======================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, delete, select

from dure.core.errors import InputError, NotFound
from dure.core.time import from_us, to_us
from dure.engines.records import audit, dialect
from dure.engines.records.audit import By
from dure.engines.records.tables_charging_origin import charging_exchanges as exchanges
from dure.services.charging.model import WH_MAX, Site
from dure.services.charging.origin.registers import Exchange

AHEAD_MAX = timedelta(minutes=5)  # clocks of phones


class Noted(msgspec.Struct, frozen=True, kw_only=True):
    """An exchange and who noted it. `property` names the register, `last_wh` and `first_wh` are what it showed [Wh]."""

    asset: str
    property: str
    exchanged_at: datetime
    last_wh: int
    first_wh: int
    person: str
    noted_at: datetime


def registers_of(site: Site) -> list[tuple[str, str]]:
    """Registers of the site's own meters (asset, property); those of EVSEs follow their sessions."""
    found = [(one.id, "solar_register") for one in site.solar]
    for one in site.storage:
        found += [(one.id, "storage_charge_register"), (one.id, "storage_discharge_register")]
    if site.meter:
        found += [(site.meter, name) for name in ("grid_import_register", "grid_export_register", "site_load_register")]
    return found


def note(connection: Connection, site: Site, register: tuple[str, str], exchange: Exchange, by: By) -> Noted:
    """Keep an exchange; the same register and instant again corrects its values."""
    if register not in registers_of(site):
        raise InputError("exchange.register", f"{site.id} has no register {register[0][:80]}/{register[1][:80]}.")
    if from_us(exchange.at_us) > by.at + AHEAD_MAX:
        raise InputError("exchange.future", "The exchange is dated ahead. Note it once it is done.")
    if not all(0 <= one <= WH_MAX for one in (exchange.last, exchange.first)):
        raise InputError("exchange.value", f"A register shows 0 to {WH_MAX:,.0f} Wh.")
    found = Noted(
        asset=register[0], property=register[1], exchanged_at=from_us(exchange.at_us), last_wh=exchange.last,
        first_wh=exchange.first, person=by.actor, noted_at=by.at,
    )  # fmt: skip
    dialect.upsert(connection, exchanges, [msgspec.structs.asdict(found)])
    detail = {name: str(value) for name, value in msgspec.structs.asdict(found).items() if name not in {"person", "noted_at"}}
    audit.append(connection, by, "write", "asset", register[0], {"exchange": detail})
    return found


def withdraw(connection: Connection, site: Site, register: tuple[str, str], at: datetime, by: By) -> None:
    """Take an exchange back that never was."""
    where = (exchanges.c.asset == register[0], exchanges.c.property == register[1], exchanges.c.exchanged_at == at)
    if register not in registers_of(site) or not connection.execute(delete(exchanges).where(*where)).rowcount:
        raise NotFound("exchange.unknown", "There is no exchange of this register at that instant.")
    audit.append(connection, by, "write", "asset", register[0], {"exchange_withdrawn": at.isoformat()})


def of_assets(connection: Connection, assets: Collection[str]) -> list[Noted]:
    """Exchanges of the registers of assets, newest first."""
    query = select(exchanges).where(exchanges.c.asset.in_(sorted(assets)))
    order = (exchanges.c.exchanged_at.desc(), exchanges.c.asset, exchanges.c.property)
    return [Noted(**row) for row in connection.execute(query.order_by(*order)).mappings()]


def by_register(found: Collection[Noted], span_us: tuple[int, int]) -> dict[tuple[str, str], tuple[Exchange, ...]]:
    """Exchanges within a span of time, in time, by register; for `registers.steps_of`."""
    sorted_ones: dict[tuple[str, str], tuple[Exchange, ...]] = {}
    for one in sorted(found, key=lambda each: each.exchanged_at):
        at_us = to_us(one.exchanged_at)
        if span_us[0] <= at_us < span_us[1]:
            key = (one.asset, one.property)
            sorted_ones[key] = (*sorted_ones.get(key, ()), Exchange(at_us, one.last_wh, one.first_wh))
    return sorted_ones
