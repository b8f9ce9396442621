"""Chargers and their credentials in memory: a door must answer at once, and 9,000 stations may come at the same time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NamedTuple

import structlog

from dure.core.errors import DureError
from dure.engines.records import devices
from dure.engines.records.devices import NOBODY, Credential
from dure.services.charging import sites
from dure.services.charging.stations import certificate_records

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from dure.services.charging.model import Charger
    from dure.spine.house import House

log = structlog.get_logger("dure.charging.central")

POLL_S = 30.0  # a secret that was turned in another process is known after this time at the latest
SOONEST_S = 1.0


class Known(NamedTuple):
    """A charger as the doors know it; `operator` runs its site, `revoked` are serial numbers of certificates taken back."""

    charger: Charger
    credential: Credential
    operator: str
    revoked: frozenset[str] = frozenset()


def known(connection: Connection) -> dict[str, Known]:
    """Every charger that has an identity, by it."""
    registered = sites.registered(connection)
    credentials = devices.credentials(connection, registered.by_identity)
    operators = {one.id: one.operator for one in registered.sites.values()}
    revoked, none = certificate_records.revoked(connection), frozenset[str]()
    return {
        identity: Known(
            charger, credentials.get(identity, NOBODY), operators.get(charger.site, ""), revoked.get(charger.id, none)
        )
        for identity, charger in registered.by_identity.items()
    }


class Register:
    """Chargers as last read; read again when the house's register changes, when it is asked for, and every half minute."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known: Mapping[str, Known] = {}
        self._generation = -1
        self._read_at = 0.0
        self._asked = False
        self._changed: list[Callable[[], None]] = []

    def on_change(self, told: Callable[[], None]) -> None:
        """Call `told` after every reading that found something new."""
        self._changed.append(told)

    def find(self, identity: str) -> Known | None:
        """The charger with this identity."""
        return self._known.get(identity)

    def keeping_logs(self) -> frozenset[str]:
        """Identities of chargers whose messages are kept."""
        return frozenset(identity for identity, one in self._known.items() if one.charger.keeps_log)

    def __len__(self) -> int:
        return len(self._known)

    def ask(self) -> None:
        """Have it read again soon: somebody came who is not known, or whose secret is not."""
        self._asked = True

    async def refresh(self) -> None:
        """Read it now; while the records are away the last reading stays in force."""
        self._asked, self._generation, self._read_at = False, self._house.directory.generation, time.monotonic()
        try:
            found = await asyncio.to_thread(self._read)
        except DureError as error:
            self._asked = True
            log.warning("register.not_read", code=error.code)
            return
        if found != self._known:
            self._known = found
            for told in self._changed:
                told()

    def _read(self) -> dict[str, Known]:
        with self._house.records.read() as connection:
            return known(connection)

    async def follow(self) -> None:
        """Keep it fresh until cancelled."""
        while True:
            await asyncio.sleep(SOONEST_S / 2)
            age_s = time.monotonic() - self._read_at
            stale = self._asked or self._generation != self._house.directory.generation
            if age_s >= POLL_S or (stale and age_s >= SOONEST_S):
                await self.refresh()
