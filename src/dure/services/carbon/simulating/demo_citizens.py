"""The demo's citizens: they bring their own cups, bags and bottles, and a partner company proves it by signed requests.

Who they are is a number; the first is the account a visitor can sign in with, the others have none. Each deed has a reference
of its own, so that one told twice counts once.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import httpx
import msgspec
import structlog

from dure.core.text import Text
from dure.core.time import US_PER_S, format_instant, from_us, to_us
from dure.engines.records.audit import By
from dure.services.carbon.practising import partner_desk, practice_desk, practice_records
from dure.services.carbon.practising.partner_desk import Partner, Told
from dure.services.carbon.practising.practice_key import practice_key
from dure.services.carbon.practising.signing import signature
from dure.services.carbon.simulating import demo_challenge
from dure.services.carbon.simulating.demo_company import OFFICER
from dure.services.carbon.simulating.demo_people import CITIZEN, account
from dure.services.carbon.simulating.seeded import chance
from dure.spine.virtual_devices import JSON, TIMEOUT_S, Connection

if TYPE_CHECKING:
    from dure.spine.house import House

log = structlog.get_logger("dure.simulator")

PRACTICES = ("tumbler", "cup-return", "refill", "own-container", "own-bag")
PARTNER = Partner(id="demo-cafes", name=Text("화성 카페 연합(시연)", "Hwaseong cafés (demo)"), practices=PRACTICES)
SCHEME = "green-life"
CITIZENS = 24
BACK = timedelta(hours=60)  # deeds of so long before the first start; older ones are not taken
AWAKE = range(8, 22)  # local hours
A_DEED = 0.11  # chance of one in an hour that somebody is awake
AT_ONCE = 25
HOUR_S = 3_600


class Deed(NamedTuple):
    """What a citizen did, when."""

    citizen: int
    practice: str
    done_at: datetime


class Citizens:
    """All of them, and the partner that vouches for them."""

    def __init__(self, house: House, connection: Connection) -> None:
        self._house = house
        self._http = httpx.AsyncClient(base_url=connection.http_url, timeout=TIMEOUT_S)
        self._key = ""
        self._codes: list[str] = []
        self._told_until: datetime | None = None

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    async def look(self) -> int:
        """Tell what was done since the last look; how many deeds."""
        if not self._key:
            await asyncio.to_thread(self._begin)
        now = self._house.clock.now()
        since = self._told_until or now - BACK
        due = list(self._deeds(since, now))[:AT_ONCE]
        for one in due:
            if not await self._tell(one):
                return 0
        self._told_until = due[-1].done_at + timedelta(seconds=1) if len(due) == AT_ONCE else now
        return len(due)

    def _begin(self) -> None:
        house, now = self._house, self._house.clock.now()
        secret, by = practice_key(house.settings.data), By(OFFICER, now)
        setting, visitor = practice_desk.setting_of(house), account(house, CITIZEN)
        with house.records.begin() as connection:
            self._key = partner_desk.put(connection, PARTNER, by, secret)
            people = [f"demo-citizen-{number:02}" for number in range(CITIZENS)]
            if visitor is not None:
                people[0] = visitor.id
            for person in people:
                practice_desk.join(connection, person, SCHEME, setting)
                self._codes.append(practice_records.put_member(connection, person, now).code)
            demo_challenge.begin(connection, people, now - BACK, setting)

    def _deeds(self, since: datetime, now: datetime) -> Iterator[Deed]:
        """What was done in ``[since, now)``, in order: the same after every start."""
        seed, zone = self._house.city.seed, self._house.city.zone
        for hour in range(to_us(since) // US_PER_S // HOUR_S, to_us(now) // US_PER_S // HOUR_S + 1):
            found = []
            for citizen in range(CITIZENS):
                name = f"deed {citizen}"
                if chance(seed, name, hour) < A_DEED:
                    second = hour * HOUR_S + int(chance(seed, f"{name} second", hour) * HOUR_S)
                    practice = PRACTICES[int(chance(seed, f"{name} what", hour) * len(PRACTICES))]
                    found.append(Deed(citizen, practice, from_us(second * US_PER_S)))
            found.sort(key=lambda one: (one.done_at, one.citizen))
            yield from (one for one in found if since <= one.done_at < now and one.done_at.astimezone(zone).hour in AWAKE)

    async def _tell(self, one: Deed) -> bool:
        """Prove it as a partner does; False when the house does not answer now."""
        reference = f"demo-{one.citizen}-{to_us(one.done_at) // US_PER_S}"
        said = Told(
            practice=one.practice,
            member=self._codes[one.citizen],
            quantity=1,
            done_at=format_instant(one.done_at),
            reference=reference,
        )
        body, time = msgspec.json.encode(said), format_instant(self._house.clock.now())
        nonce = hashlib.sha256(f"{reference} {time}".encode()).hexdigest()[:32]
        headers = JSON | {
            "x-dure-partner": PARTNER.id,
            "x-dure-time": time,
            "x-dure-nonce": nonce,
            "x-dure-signature": signature(self._key, PARTNER.id, time, nonce, body),
        }
        try:
            answer = await self._http.post("/api/v1/carbon/partner-proofs", content=body, headers=headers)
        except httpx.HTTPError:
            return False
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS or answer.is_server_error:
            return False
        if answer.is_client_error:
            log.warning("simulator.refused", partner=PARTNER.id, status=answer.status_code, answer=answer.text[:200])
        return True
