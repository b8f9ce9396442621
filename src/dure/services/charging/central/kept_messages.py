"""Messages of chargers whose log is kept, on the disk and without secrets: for who looks for a fault after a restart, or audits.

Only chargers whose register row says `keep_log = yes`. Messages wait in memory and are written in groups, every few seconds and
at the end, away from the way of a message: what is not written when the process is killed is lost (the journal loses nothing).
They are kept as long as `messages_d` of rules/stations.toml says.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import Connection, delete, select

from dure.core.errors import DureError
from dure.core.time import to_us
from dure.engines.records import dialect
from dure.engines.records.tables_charging_central import charging_messages as messages
from dure.services.charging.central.message_log import SHOWN_MAX, MessageLog, Noted, Shown, redacted

if TYPE_CHECKING:
    from dure.engines.records.store import Records

log = structlog.get_logger("dure.charging.central")

WRITE_S = 5.0
_shown = msgspec.json.Decoder(list[Shown])


class KeptMessages:
    """Writes what a log wants kept."""

    def __init__(self, records: Records, noted: MessageLog, digest: Callable[[str], str], writer: str) -> None:
        self._records, self._log, self._digest, self._writer = records, noted, digest, writer

    async def follow(self) -> None:
        """Write every few seconds until cancelled."""
        while True:
            await asyncio.sleep(WRITE_S)
            await self.write()

    async def write(self) -> int:
        """Write what waits; how many messages."""
        due, lost_n = self._log.taken()
        if lost_n:
            log.warning("messages.lost", n=lost_n, hint="more came than may wait to be kept")
        if not due:
            return 0
        try:
            await asyncio.to_thread(self._write, due)
        except DureError as error:  # they are still shown from memory; the journal has what they mean
            log.warning("messages.not_kept", n=len(due), code=error.code)
            return 0
        return len(due)

    def _write(self, due: Sequence[Noted]) -> None:
        by_identity: dict[str, list[Shown]] = {}
        for identity, at_us, out, message in due:
            one = Shown(at_us, "out" if out else "in", redacted(message, self._digest))
            by_identity.setdefault(identity, []).append(one)
        with self._records.begin() as connection:
            append(connection, by_identity, self._writer)


def append(connection: Connection, by_identity: dict[str, list[Shown]], writer: str) -> None:
    """Keep messages, one row for each station, oldest first."""
    rows: list[dict[str, Any]] = [
        {
            "identity": identity, "first_us": found[0].at_us, "writer": writer, "last_us": found[-1].at_us,
            "messages_n": len(found), "messages": zlib.compress(msgspec.json.encode(found), 6),
        }
        for identity, found in by_identity.items()
    ]  # fmt: skip
    dialect.insert_new(connection, messages, rows)


def of_station(connection: Connection, identity: str, until: datetime, limit: int = SHOWN_MAX) -> list[Shown]:
    """Kept messages of a station from before an instant, newest first."""
    until_us = to_us(until)
    query = select(messages.c.messages).where(messages.c.identity == identity, messages.c.first_us < until_us)
    found: list[Shown] = []
    for kept in connection.execute(query.order_by(messages.c.first_us.desc()).limit(limit)).scalars():
        found += [one for one in reversed(_shown.decode(zlib.decompress(kept))) if one.at_us < until_us]
        if len(found) >= limit:
            break
    return found[:limit]


def expire(connection: Connection, now: datetime, days: int) -> int:
    """Delete what was kept long enough; how many rows."""
    return connection.execute(delete(messages).where(messages.c.last_us < to_us(now - timedelta(days=days)))).rowcount
