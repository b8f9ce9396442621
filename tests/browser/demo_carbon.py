"""What the carbon pages show: claims of a charging site and of citizens, a company with bills, sponsorships and a statement."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from demo_city import NOW, RunningCity

from dure.core.events import Event
from dure.engines.clock import FixedClock
from dure.engines.records import events
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.claiming.event_watch import EventWatch
from dure.services.carbon.companies import activity_records
from dure.services.carbon.companies.sponsoring_watch import SponsoringWatch
from dure.services.carbon.governing.board_watch import BoardWatch
from dure.services.carbon.practising import practice_desk
from dure.services.carbon.practising.acts import Proof
from dure.services.carbon.practising.practice_watch import PracticeWatch
from dure.services.carbon.simulating import demo_challenge, demo_company, demo_officer, demo_statement
from dure.services.carbon.simulating.virtual_company import COMPANY
from dure.services.carbon.statements import statement_records
from dure.services.carbon.transparency.log_watch import LogWatch

SITE = "cs-namyang-hall"
WH = {"pv": 40_000, "ess_pv": 10_000, "ess_grid": 5_000, "grid": 45_000}
FLOWS = {
    "ev": 40_000,
    "ess": 12_000,
    "load": 90_000,
    "export": 30_000,
    "unmetered": 0,
    "ess_ev": 10_000,
    "ess_load": 0,
    "ess_export": 0,
}
CITIZENS = 7


def furnish_carbon(running: RunningCity) -> dict[str, str]:
    """Fill the city; ids of what is in it, by name."""
    return running.call(asyncio.to_thread(_furnish, running))


def _furnish(running: RunningCity) -> dict[str, str]:
    house = running.house
    yesterday = replace(house, clock=FixedClock(NOW - timedelta(days=1)))
    demo_officer.fund(yesterday)
    demo_company.begin(yesterday)
    with house.records.begin() as connection:
        events.announce(connection, [_day(18), _day(19), _sun(18), _sun(19)], NOW)
    EventWatch(house).look_once()
    demo_officer.verify(replace(house, clock=FixedClock(NOW + timedelta(minutes=2))))
    _practise(running)
    demo_statement.issue(house)
    for watch in (SponsoringWatch(house), PracticeWatch(house), LogWatch(house), BoardWatch(house)):
        asyncio.run(watch.look())
    with house.records.read() as connection:
        made = list(claim_desk.claims(connection, holder="city"))
        statement = statement_records.last(
            connection, f"company/{COMPANY.id}", datetime(2025, 1, 1, tzinfo=UTC).date(), datetime(2026, 1, 1, tzinfo=UTC).date()
        )
        (brought,) = activity_records.imports_of(connection, COMPANY.id).items
    return {
        "brought": brought.id, "challenge": demo_challenge.CHALLENGE,
        "claim": next(one.id for one in made if one.programme == "city-estimated"), "company": COMPANY.id,
        "sponsorship": "spn-demo-verified", "statement": statement.id if statement else "", "day": "2026-11-24",
    }  # fmt: skip


def _day(day: int) -> Event:
    return _told(f"origin-{day}", "charging.energy.renewable", day, WH["pv"] + WH["ess_pv"], {"wh": WH})


def _sun(day: int) -> Event:
    return _told(f"sun-{day}", "charging.generation.measured", day, 172_000, {"flows": FLOWS, "behind": ""})


def _told(ident: str, kind: str, day: int, quantity: int, more: dict[str, Any]) -> Event:
    interval = {"start": f"2026-11-{day - 1}T15:00:00Z", "end": f"2026-11-{day}T15:00:00Z"}
    evidence = {
        "event": ident, "quantity": quantity, "unit": "Wh", "interval": interval, "readings_sha256": "a" * 64,
        "method": "origin-1", "factors": [],
    }  # fmt: skip
    data = {"site": SITE, "day": f"2026-11-{day}", "estimated_intervals": 0, "head": "0" * 64, "decision": ident, "replaces": ""}
    data |= more | {"evidence": [evidence]}
    at = datetime(2026, 11, day, 16, 0, tzinfo=UTC)
    return Event(id=ident, type=kind, source="dure/charging", time=at, subject=SITE, data=data)


def _practise(running: RunningCity) -> None:
    """Each citizen did some things; so did whoever looks."""
    house = running.house
    setting = practice_desk.setting_of(house)
    people = [f"citizen-{n}" for n in range(CITIZENS)] + [running.admin]
    with house.records.begin() as connection:
        demo_challenge.begin(connection, people, NOW - timedelta(days=2), setting)
        for n, person in enumerate(people):
            practice_desk.join(connection, person, "green-life", setting)
            for k, practice in enumerate(("tumbler", "own-bag", "cup-return")):
                proof = Proof(kind="partner", done_at=NOW - timedelta(hours=2 + k, minutes=n), quantity=1, once=f"demo/{n}/{k}")
                practice_desk.prove(connection, person, practice, proof, setting)
