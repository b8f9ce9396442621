"""What practices do by themselves: weighed bags count, what nobody proved or decided in time ends, old photos go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection

from dure.core.errors import DureError, NotFound
from dure.engines.blobs.bus import BusBlobs
from dure.services.carbon.practising import (
    bag_desk,
    challenge_desk,
    elsewhere_records,
    partner_desk,
    photo_index,
    practice_desk,
    practice_records,
)
from dure.services.carbon.practising.practice_desk import Setting, setting_of

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.carbon")
SLOWLY = timedelta(minutes=1)  # what is not urgent


class PracticeWatch:
    """Weighed bags, ends of time, claims somebody moved elsewhere, photos that must go."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._slowly_at: datetime | None = None
        self._failing: set[str] = set()

    async def look(self) -> None:
        """One round."""
        await asyncio.to_thread(self.look_once)
        if self._house.bus is not None:
            await self._delete_photos()

    def look_once(self) -> int:
        """One round but for photos' bytes; how many acts moved. Blocks. Each moves in its own transaction."""
        by = setting_of(self._house)
        moved = sum(self._try(deed, partial(_weighed, person=person, bag=bag, by=by)) for deed, bag, person in self._fresh())
        with self._house.records.read() as connection:
            waiting, undone = practice_records.doubtful(connection), bag_desk.undone(connection)
            waiting = [act for act in waiting if practice_desk.followed(connection, act, by.at) is not act]
        moved += sum(self._try(act.id, partial(_followed, ident=act.id, at=by.at)) for act in waiting)
        moved += sum(self._try(one, partial(bag_desk.take_back, ident=one, by=by)) for one in undone)
        if self._slowly_at is None or not timedelta(0) <= by.at - self._slowly_at < SLOWLY:
            moved += self._end(by)
            self._slowly_at = by.at
        return moved

    def _fresh(self) -> list[tuple[str, str, str]]:
        with self._house.records.read() as connection:
            return bag_desk.fresh(connection)

    def _end(self, by: Setting) -> int:
        limits = by.rules.limits
        with self._house.records.read() as connection:
            stale = practice_records.stale(connection, by.at - timedelta(hours=limits.begun_h))
        count = sum(self._try(act.id, partial(_expired, ident=act.id, at=by.at)) for act in stale)
        with self._house.records.begin() as connection:
            partner_desk.forget_nonces(connection, by.at)
            elsewhere_records.drop_leavers(connection, by.at)
            photo_index.grow_old(connection, by.at - timedelta(days=limits.photo_kept_d))
        return count

    async def _delete_photos(self) -> None:
        with self._house.records.read() as connection:
            gone = photo_index.gone(connection)
        if not gone:
            return
        blobs = await BusBlobs.open(self._house.bus)
        for one in gone:
            if one.blob:
                try:
                    await blobs.delete(one.blob)
                except NotFound:
                    log.info("practice.photo_gone_before", n=one.n)
            with self._house.records.begin() as connection:
                photo_index.settled(connection, one)

    def _try(self, what: str, deed: Callable[[Connection], object]) -> bool:
        try:
            with self._house.records.begin() as connection:
                deed(connection)
        except DureError as error:
            if what not in self._failing:
                log.warning("practice.held_up", id=what, code=error.code)
            self._failing.add(what)
            return False
        self._failing.discard(what)
        return True


def _weighed(connection: Connection, person: str, bag: str, by: Setting) -> None:
    bag_desk.prove(connection, person, bag, by, challenge_desk.stretches)


def _followed(connection: Connection, ident: str, at: datetime) -> None:
    act = practice_records.get(connection, ident)
    practice_records.put(connection, practice_desk.followed(connection, act, at))


def _expired(connection: Connection, ident: str, at: datetime) -> None:
    act = practice_records.get(connection, ident)
    if act.state == "started":
        practice_records.put(connection, practice_records.move(act, "expired", "practice.expired", at))
