"""What `dure buildings` does."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, cast, get_args

from dure.core.errors import InputError, NotFound
from dure.core.time import day_of, parse_instant
from dure.engines.clock import SystemClock
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.running.desk import COMMAND, until_stored, visiting
from dure.running.one_part import city_of
from dure.running.parts import records_of
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.intervals.import_desk import ImportDesk
from dure.services.buildings.intervals.import_files import Asked, FileKind
from dure.services.buildings.months import month_records

if TYPE_CHECKING:
    from pathlib import Path

    from dure.config import Settings
    from dure.services.buildings.intervals.import_desk import Done, Preview
    from dure.services.buildings.months.month_use import MonthUse

YEAR = timedelta(days=365)


def asked(name: str, kind: str, fuel: str, unit: str, meter: str) -> Asked:
    """How a file is to be read; refused with ``import.choice``."""
    for given, known in ((kind, get_args(FileKind)), (fuel, get_args(Fuel))):
        if given and given not in known:
            raise InputError("import.choice", f"{given[:40]!r} is none of {', '.join(known)}.")
    return Asked(name=name, kind=cast("FileKind", kind), fuel=cast("Fuel", fuel), unit=unit, meter=meter)


async def look(settings: Settings, file: Path, how: Asked) -> Preview:
    """What a file holds; nothing is written."""
    body = await asyncio.to_thread(file.read_bytes)
    async with visiting(settings) as house:
        return await ImportDesk(house).preview(body, how)


async def take_in(settings: Settings, file: Path, how: Asked, *, accepted: bool) -> Done:
    """Take a file in, whole or without the rows that cannot be taken; returns when all of it can be seen."""
    body = await asyncio.to_thread(file.read_bytes)
    async with visiting(settings) as house:
        done = await ImportDesk(house).confirm(body, how, "accepted" if accepted else "all", By(COMMAND, SystemClock().now()))
        await until_stored(house, (await house.bus.state()).last_seq if done.entries_n else 0)
    return done


def months_of(settings: Settings, building: str, span: tuple[str, str], as_of: str = "") -> list[MonthUse]:
    """Months of a building's meters, by month and meter; refused with ``buildings.unknown`` or ``query.month``."""
    zone = city_of(settings).zone
    today = day_of(SystemClock().now(), zone)
    first, last = span[0] or f"{today - YEAR:%Y-%m}", span[1] or f"{today:%Y-%m}"
    records = records_of(settings)
    try:
        records.migrate()
        with records.read() as connection:
            if assets.find(connection, [building]).get(building) is None:
                raise NotFound("buildings.unknown", f"{building[:80]!r} is no building.")
            at = parse_instant(as_of, zone) if as_of else None
            found = month_records.find(connection, first, last, buildings=[building], as_of=at)
    finally:
        records.close()
    return sorted(found, key=lambda row: (row.month, row.meter))
