"""Staged entries get their places in the tree; its head is signed, and published once a day."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from dure.core.errors import Corrupt
from dure.core.time import day_of
from dure.emissions.packs import load_factors
from dure.services.carbon.transparency import log_records
from dure.services.carbon.transparency.alarms import raise_alarm
from dure.services.carbon.transparency.factor_entries import factor_entries
from dure.services.carbon.transparency.log_desk import LogDesk
from dure.services.carbon.transparency.log_rules import log_rules
from dure.services.carbon.transparency.publishing import DailyCheckpoints
from dure.services.carbon.transparency.staging import key_of, stage

if TYPE_CHECKING:
    from dure.config import Settings
    from dure.spine.house import House

log = structlog.get_logger("dure.carbon")
BATCHES_PER_ROUND = 20


class LogWatch:
    """The log's one writer; two of them take turns."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = desk_of(house)
        self._daily = daily_of(house)
        self._begun = False

    async def look(self) -> int:
        """One round; how many entries got their places."""
        return await asyncio.to_thread(self._look)

    def _look(self) -> int:
        now = self._house.clock.now()
        rules = log_rules(day_of(now, self._house.city.zone), self._house.city.folder)
        try:
            if not self._begun:
                self._daily.require_not_behind()
                self._stage_factors()
                self._begun = True
            count = self._place(rules.batch_n)
        except Corrupt as error:
            evidence = {key: str(one) for key, one in error.detail.items()}
            with self._house.records.begin() as connection:
                if raise_alarm(connection, error.code, evidence, now):
                    log.error("log.alarm", code=error.code, why=error.message)  # noqa: TRY400  # it is raised on
            raise
        if self._daily.is_due(now):
            self._begun = False  # the next round looks again whether the log is whole, and for new factors
            self._daily.publish(now, now - rules.heads_kept)
            self._daily.write_files()
        return count

    def _stage_factors(self) -> None:
        listed = factor_entries(load_factors(self._house.city.folder).rows)
        with self._house.records.read() as connection:
            kept = {one.id for one in log_records.leaves_of(connection, [key_of(one) for one in listed])}
        new = [one for one in listed if key_of(one) not in kept]
        if new:
            with self._house.records.begin() as connection:
                stage(connection, new)

    def _place(self, batch_n: int) -> int:
        count = 0
        for _ in range(BATCHES_PER_ROUND):
            if not self._desk.is_due():
                break
            count += self._desk.place(self._house.clock.now(), batch_n).entries
        return count


def desk_of(house: House) -> LogDesk:
    """The desk of a house's log."""
    return LogDesk(house.records, house.settings.data, origin_of(house.settings, house.city.id))


def daily_of(house: House) -> DailyCheckpoints:
    """The daily checkpoints of a house's log."""
    return DailyCheckpoints(house.records, house.settings.archive, house.city.zone)


def origin_of(settings: Settings, city: str) -> str:
    """What a log made now is called: the address it is served under, without scheme; without one, a name of the city."""
    _, _, address = settings.public_url.rstrip("/").partition("://")
    return f"{address}/api/v1/carbon/log" if address else f"dure/{city}/carbon-log"
