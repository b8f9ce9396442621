"""Escrow is released for verified results, or goes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from dure.core.errors import DureError
from dure.core.time import day_of
from dure.engines.records import events
from dure.engines.records.audit import SYSTEM, By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.companies import sponsor_records, sponsoring_desk
from dure.services.carbon.companies.sponsoring_rules import sponsoring_rules
from dure.services.carbon.governing.districts import where
from dure.services.carbon.model import Claim, State

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.carbon")
CLAIM_EVENTS = "carbon.claim."
COUNTING: tuple[State, ...] = ("awarded", "retired")
GONE: tuple[State, ...] = ("cancelled", "refused")
AGAIN = timedelta(hours=1)  # everything is looked at again so often, whatever the events say


class SponsoringWatch:
    """Offers end in time, awarded claims are shared out, withdrawn ones taken back, sponsorships closed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._looked: datetime | None = None
        self._whole: datetime | None = None
        self._failing: set[str] = set()

    async def look(self) -> None:
        """One round."""
        await run_in_threadpool(self.round)

    def round(self) -> None:
        """One round, blocking. Each claim and sponsorship moves in its own transaction: one that fails holds up no other."""
        now = self._house.clock.now()
        if self._news(now):
            for ident in self._withdrawn():
                self._try(ident, partial(sponsoring_desk.take_back, claim=ident, at=now))
            for claim in self._new_claims():
                self._try(claim.id, partial(self._count, claim=claim, now=now))
        rules = sponsoring_rules(day_of(now, self._house.city.zone), self._house.city.folder)
        with self._house.records.read() as connection:
            offered = sponsor_records.listing(connection, states=("offered",))
            running = sponsor_records.listing(connection, states=("running",))
        by = By(SYSTEM, now)
        for held in offered:
            if held.made_at + timedelta(days=rules.offer_d) <= now:
                ident = held.sponsorship.id
                self._try(ident, partial(sponsoring_desk.turn_down, ident=ident, state="expired", by=by))
        for held in running:
            if held.sponsorship.end + timedelta(days=rules.grace_d) <= now:
                ident = held.sponsorship.id
                self._try(ident, partial(sponsoring_desk.close, ident=ident, at=now))

    def _news(self, now: datetime) -> bool:
        """Whether any claim has moved since the last look; once in a while everything is looked at again."""
        since, self._looked = self._looked, now
        if since is None or self._whole is None or self._whole + AGAIN <= now:
            self._whole = now
            return True
        with self._house.records.read() as connection:
            return bool(events.listing(connection, prefix=CLAIM_EVENTS, since=since - timedelta(minutes=1), limit=1).items)

    def _new_claims(self) -> list[Claim]:
        """Claims that run in the span of a running sponsorship and were not shared out yet."""
        with self._house.records.read() as connection:
            running = [held.sponsorship for held in sponsor_records.listing(connection, states=("running",))]
            if not running:
                return []
            start, end = min(one.start for one in running), max(one.end for one in running)
            found = list(claim_desk.claims(connection, start=start, end=end, states=COUNTING))
            known = sponsor_records.shared_among(connection, [one.id for one in found])
        return [one for one in found if one.id not in known]

    def _withdrawn(self) -> list[str]:
        with self._house.records.read() as connection:
            standing = set(sponsor_records.standing_claims(connection))
            gone = claim_desk.claims(connection, states=GONE) if standing else ()
            return [one.id for one in gone if one.id in standing]

    def _count(self, connection: Connection, claim: Claim, now: datetime) -> None:
        sponsoring_desk.count(connection, [claim], where(self._house, connection, [claim]), now)

    def _try(self, what: str, deed: Callable[[Connection], object]) -> None:
        try:
            with self._house.records.begin() as connection:
                deed(connection)
        except DureError as error:
            if what not in self._failing:
                log.warning("sponsoring.held_up", city=self._house.city.id, id=what, code=error.code)
            self._failing.add(what)
        else:
            self._failing.discard(what)
