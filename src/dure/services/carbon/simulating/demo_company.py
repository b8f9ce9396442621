"""The demo's company: founded, its activity file taken in, money paid in, sponsorships offered and accepted. Once. Blocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.companies import activity_desk, company_desk, company_records, sponsoring_desk
from dure.services.carbon.companies.activity_desk import Asked
from dure.services.carbon.companies.sponsoring import Milestone, Sponsorship
from dure.services.carbon.companies.sponsoring_rules import sponsoring_rules
from dure.services.carbon.programmes import programmes
from dure.services.carbon.simulating.demo_people import ESG_OFFICER, account
from dure.services.carbon.simulating.virtual_company import COMPANY, METERS, activity_file

if TYPE_CHECKING:
    from dure.spine.house import House

PERSON, OFFICER = "demo-esg-officer", "demo-officer"
PAID_IN_WON = 30_000_000
BACK, AHEAD = timedelta(days=60), timedelta(days=300)


def begin(house: House) -> bool:
    """Do what the company's people would, once; whether anything was done."""
    now, folder = house.clock.now(), house.city.folder
    today = day_of(now, house.city.zone)
    with house.records.read() as connection:
        try:
            company_records.get(connection, COMPANY.id)
        except NotFound:
            pass
        else:
            return False
    by, city = By(PERSON, now), By(OFFICER, now)
    with house.records.begin() as connection:
        company_desk.found(connection, COMPANY, "", city)
        for kind, number, site in METERS:
            company_desk.bind_meter(connection, COMPANY, kind, number, site, by)
    asked = Asked(name="에너지와 출장 내역.csv")
    activity_desk.bring(house, COMPANY, activity_file(house.city.seed, today), asked, by)
    with house.records.begin() as connection:
        sponsoring_desk.pay_in(connection, COMPANY.id, PAID_IN_WON, "2026-0001", city)
        for one in sponsorships(now):
            sponsoring_desk.offer(connection, one, sponsoring_rules(today, folder), by, programmes(today, folder))
            sponsoring_desk.accept(connection, one.id, city)
    return True


def welcome(house: House) -> bool:
    """Let the account of the company's ESG officer speak for it, once; whether it was done now."""
    person = account(house, ESG_OFFICER)
    if person is None:
        return False
    with house.records.begin() as connection:
        if company_records.company_of(connection, person.id) is not None:
            return False
        company_desk.add_person(connection, COMPANY.id, person.id, By(OFFICER, house.clock.now()))
    return True


def sponsorships(now: datetime) -> tuple[Sponsorship, ...]:
    """What it sponsors: verified tonnes of the city, and citizens' practices by number."""
    common = {"company": COMPANY.id, "target_kind": "programme", "start": now - BACK, "end": now + AHEAD}
    steps = (Milestone(won=1_000_000, claims=20), Milestone(won=2_000_000, claims=200), Milestone(won=3_000_000, claims=1_000))
    verified = {"target": "city-verified", "budget_won": 12_000_000, "tier": "A", "won_per_tonne": 150_000}
    citizens = {"target": "green-practice", "budget_won": 6_000_000, "tier": "C", "milestones": steps}
    told = (
        ("spn-demo-verified", Text("검증된 1톤마다 15만 원", "150,000 won for each verified tonne"), verified),
        ("spn-demo-citizens", Text("시민 실천 응원", "For citizens' practices"), citizens),
    )
    frame = {"programme": "green-practice"} | common
    return tuple(msgspec.convert({"id": ident, "title": title} | frame | terms, Sponsorship) for ident, title, terms in told)
