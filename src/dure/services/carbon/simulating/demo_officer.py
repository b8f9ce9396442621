"""The demo's officer: funds programmes once, verifies what waits, and leaves some of it to whoever looks at the queue. Blocks."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_records, verifying
from dure.services.carbon.claiming.claim_records import Wanted
from dure.services.carbon.claiming.verifying import Said
from dure.services.carbon.governing import budget_desk, budget_records
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.programmes import programmes
from dure.services.carbon.simulating.demo_company import OFFICER
from dure.services.carbon.simulating.seeded import chance

if TYPE_CHECKING:
    from dure.spine.house import House

LEFT = 0.3  # of the claims that wait, so many are left to whoever looks at the demo
THINKS = timedelta(minutes=1)
AT_ONCE = 40
NOTE = "시연 담당자가 근거 화면을 보고 인정함"


def fund(house: House) -> int:
    """Put into every programme what its rule grants this year; how many were funded."""
    now = house.clock.now()
    today, by = day_of(now, house.city.zone), By(OFFICER, now)
    count = 0
    with house.records.begin() as connection:
        known = budget_records.of_year(connection, today.year)
        for ident, row in programmes(today, house.city.folder).items():
            if row.budget_won and ident not in known:
                budget_desk.move(house, connection, ident, Asked("fund", row.budget_won, f"{today.year}년 본예산(시연)"), by)
                count += 1
    return count


def verify(house: House) -> int:
    """Award what has waited long enough to be looked at; how many."""
    now = house.clock.now()
    with house.records.read() as connection:
        waiting = claim_records.oldest(connection, Wanted(tier="A", states=("reserved",)), AT_ONCE)
    ready = [
        one.claim.id
        for one in waiting
        if one.claim.made_at + THINKS <= now and chance(house.city.seed, f"verify {one.claim.id}") > LEFT
    ]
    if not ready:
        return 0
    said = Said(verdict="award", note=NOTE)
    return sum(not one.code for one in verifying.decide(house, ready, said, By(OFFICER, now)))
