"""What the pages of waste collection show in the test city: levels of a week, beliefs, taps, reports, alarms, tickets, a plan.

Every row comes by the functions that make it in a running house; nothing is written into tables by hand.
"""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import numpy as np
from demo_city import NOW, RunningCity

from dure.core.observations import Batch, Check, Flag
from dure.core.text import Text
from dure.core.time import day_interval, to_us
from dure.engines.records import assets, events
from dure.engines.records.audit import By
from dure.services.waste.accounting import account_records
from dure.services.waste.accounting.accounts import DayAccount, Side
from dure.services.waste.accounting.baseline import Baseline
from dure.services.waste.accounting.baseline import Due as CalendarDue
from dure.services.waste.belief.belief_watch import BeliefWatch
from dure.services.waste.driving import tap_desk
from dure.services.waste.driving.missed import Due, Missed
from dure.services.waste.driving.missed_watch import missed_event
from dure.services.waste.driving.taps import Tap
from dure.services.waste.faults.fault_rules import fault_rules
from dure.services.waste.faults.findings import Found
from dure.services.waste.placing.advice_watch import AdviceWatch
from dure.services.waste.planning.plan_desk import PlanDesk
from dure.services.waste.reporting import report_desk
from dure.services.waste.reporting.report_desk import Said
from dure.services.waste.safety import alarm_records
from dure.services.waste.safety.alarms import Signal
from dure.services.waste.safety.escalation import escalation_policy
from dure.services.waste.tickets import ticket_desk
from dure.spine.live import LiveValue

HOUR = timedelta(hours=1)
STEP_US, DAYS = 3 * 3_600_000_000, 7


def furnish_waste(running: RunningCity) -> dict[str, str]:
    """Fill the city; addresses of what is in it, by name."""
    house = running.house
    with house.records.read() as connection:
        bins = [one.id for one in assets.listing(connection, assets.Wanted(kinds=["bin"])).items]
    for number, id_ in enumerate(bins):
        _levels(running, id_, number)
    made = running.call(asyncio.to_thread(_seen, running, bins))
    watch = BeliefWatch(house)
    running.call(watch.look())
    for number, id_ in enumerate(bins):
        _levels(running, id_, number, newest=True)
    running.call(watch.look())
    made |= running.call(asyncio.to_thread(_troubled, running, bins))
    made["plan"] = running.call(planned(running))
    made["missed_bin"] = running.call(asyncio.to_thread(_missed, running, bins[7], made["plan"]))
    running.call(AdviceWatch(house).look())
    running.call(asyncio.to_thread(_accounted, running, bins))
    return made


def _missed(running: RunningCity, bin_id: str, plan: str) -> str:
    """A visit of this morning that its sensor shows was not made."""
    visit = Missed(Due(bin_id, "truck-1", to_us(NOW - 5 * HOUR)), before=0.82, since=0.9)
    with running.house.records.begin() as connection:
        events.announce(connection, [missed_event(visit, plan, NOW)], NOW)
    return bin_id


def _accounted(running: RunningCity, bins: list[str]) -> None:
    """A baseline that was declared, and six weeks of accounts against it."""
    house, begin = running.house, NOW.date() - timedelta(days=42)
    frozen_at = NOW - timedelta(days=44)
    due = [CalendarDue(bin=one, interval_d=2) for one in bins]
    with house.records.begin() as connection:
        baseline = Baseline(id=f"baseline-{begin}", starts_on=begin, origin="declared", due=tuple(due), note="격일 수거")
        frozen = account_records.freeze(connection, baseline, By(running.admin, frozen_at)).baseline
        chance = random.Random("accounts")  # noqa: S311  # a seeded city, no secret
        for number in range(42):
            day = begin + timedelta(days=number)
            km = 60 + chance.uniform(-6, 6)
            nothing = {
                "bins": (),
                "rise": (),
                "actual_level": (),
                "baseline_level": (),
                "factors": (),
                "readings_sha256": "0" * 64,
            }
            account = DayAccount(
                day=day,
                baseline_id=frozen.id,
                actual=_side(km, 30, 1),
                baseline=_side(km * 1.4, 44, 1),
                source="planned",
                estimated=True,
                planned_n=30,
                missed_n=1,
                unplanned_n=0,
                outside_n=0,
                watched=0.9,
                provisional=("factors@demo/fuel",),
                **nothing,
            )
            account_records.add_account(connection, account, day_interval(day, house.city.zone), NOW)


def _side(km: float, visits: int, overflow: int) -> Side:
    return Side(
        distance_m=round(km * 1000), duration_s=round(km * 300), trucks_n=2, fuel_l=km * 0.3, energy_wh=0, co2e_g=km * 780,
        visits_n=visits, wasted_n=visits // 6, fill_at_visit=0.5, collected_m3=9.0, overflow_n=overflow, overflow_min=90.0,
    )  # fmt: skip


async def planned(running: RunningCity) -> str:
    """A new version of today's plan, put in force; its id."""
    desk, by = PlanDesk(running.house), By(running.admin, NOW)
    kept = await desk.draft(NOW.date(), by)
    await desk.publish(kept.head.id, by, unserved_ok=True)
    return kept.head.id


def _levels(running: RunningCity, bin_id: str, number: int, *, newest: bool = False) -> None:
    """A saw-tooth of a week: it rises by its own rate and falls when it was emptied. The `newest` level comes by itself."""
    chance = random.Random(f"waste{number}")  # noqa: S311  # a seeded city, no secret
    per_step = chance.uniform(0.01, 0.05)
    time_us = to_us(NOW) - 600_000_000 - np.arange(DAYS * 8, dtype=np.int64)[::-1] * STEP_US
    level, levels = chance.uniform(0, 0.8), []
    for _ in time_us:
        level = 0.02 if level > 0.9 and chance.random() < 0.6 else min(level + per_step * chance.uniform(0.2, 1.8), 1.2)
        levels.append(round(level, 3))
    chosen = slice(-1, None) if newest else slice(None, -1)
    time_us, levels = time_us[chosen], levels[chosen]
    n, ones = len(time_us), np.ones(len(time_us), np.uint8)
    value = np.array(levels)
    batch = Batch(
        [(bin_id, "fill_fraction")],
        np.zeros(n, np.int32),
        time_us,
        time_us + 1_000_000,
        value,
        ones,
        0 * ones,
        np.zeros(n, np.int64),
    )
    running.house.telemetry.append(batch, {})
    last = int(time_us[-1])
    running.house.live.load([LiveValue(bin_id, "fill_fraction", last, last + 1_000_000, levels[-1], Flag.GOOD, Check.NONE)])


def _seen(running: RunningCity, bins: list[str]) -> dict[str, str]:
    """Yesterday's taps, and two reports of citizens."""
    house = running.house
    taps = [
        Tap(id=f"demo-tap-{n:04}", bin=id_, kind="emptied", level=0.75, seen_at=at.isoformat(), truck="truck-1")
        for n, id_ in enumerate(bins[:10])
        for at in [NOW - 25 * HOUR + n * HOUR / 10]
    ]
    tap_desk.take(house.records, taps, By("crew", NOW - 24 * HOUR))
    over = report_desk.receive(house.records, Said(bin=bins[3], kind="overflow", words="봉투가 옆에 쌓였어요"), NOW - 2 * HOUR)
    report_desk.receive(house.records, Said(bin=bins[12], kind="broken", words="뚜껑이 안 닫혀요"), NOW - 5 * HOUR)
    return {"bin": bins[0], "reported_bin": bins[3], "report": over.id}


def _troubled(running: RunningCity, bins: list[str]) -> dict[str, str]:
    """A fire, a fallen bin that somebody has seen, a stuck sensor and a broken lid."""
    house = running.house
    holds = escalation_policy(NOW.date(), house.city.folder).holds
    with house.records.begin() as connection:
        signals = [
            Signal(
                bin=bins[20], kind="fire", on=True, sensed_at=NOW - timedelta(minutes=4), received_at=NOW - timedelta(minutes=4)
            ),
            Signal(bin=bins[21], kind="tilt", on=True, sensed_at=NOW - HOUR, received_at=NOW - HOUR),
        ]
        fire, tilt = (step.alarm.id for step in alarm_records.take(connection, signals, NOW, holds))
        alarm_records.acknowledge(connection, tilt, "순찰 보냄", By("operator", NOW))
        stuck = Text("값이 0.42에 멈췄습니다.", "The level stands at 0.42.")
        broken = Text("수거원이 고장이라고 적었습니다.", "The crew says that it is broken.")
        found = [
            Found(bin=bins[30], fault="stuck", since=NOW - 40 * HOUR, evidence=stuck, numbers={"hours": 40.0}),
            Found(bin=bins[12], fault="broken", since=NOW - 5 * HOUR, evidence=broken),
        ]
        tickets = ticket_desk.open_found(connection, found, NOW, fault_rules(NOW.date(), house.city.folder), house.city.zone)
    return {"alarm": fire, "ticket": tickets[0].id, "other_ticket": tickets[1].id}
