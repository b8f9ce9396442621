"""A company's money: what it may still give, what it achieved, and where more of it would do most."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from dure.core.errors import NotFound
from dure.core.time import day_of
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.companies import company_records, sponsor_records, sponsoring_desk
from dure.services.carbon.companies.achieving import Achieved, achieved
from dure.services.carbon.companies.sponsor_records import Held
from dure.services.carbon.companies.sponsoring import Sponsorship
from dure.services.carbon.companies.sponsoring_rules import SponsoringRules, sponsoring_rules
from dure.services.carbon.companies.suggesting import Suggestion, Wish, options, suggest
from dure.services.carbon.ledger import accounts, posting

if TYPE_CHECKING:
    from dure.spine.house import House


def rules_of(house: House) -> SponsoringRules:
    """The rules in force today."""
    return sponsoring_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)


def available_won(connection: Connection, company: str) -> int:
    """What a company has paid in and not yet given [KRW]."""
    return _available(connection, accounts.company(company).id)


def in_escrow_won(connection: Connection, sponsorship: str) -> int:
    """What waits for results [KRW]."""
    return _available(connection, accounts.escrow(sponsorship).id)


def new_id(connection: Connection, company: str) -> str:
    """An id for the next sponsorship of a company, which waits for others that offer for it."""
    company_records.lock(connection, company)
    n = len(sponsor_records.listing(connection, company=company))
    return "spn-" + hashlib.sha256(f"{company}/{n}".encode()).hexdigest()[:16]


def offer(house: House, connection: Connection, one: Sponsorship, by: By) -> Held:
    """Offer by the rules of the day."""
    return sponsoring_desk.offer(connection, one, rules_of(house), by, house.city.folder)


def achieved_by(connection: Connection, company: str) -> list[Achieved]:
    """What each sponsorship of a company achieved, newest first."""
    return achieved(sponsor_records.listing(connection, company=company), sponsor_records.sums_of(connection, company))


def achieved_by_one(connection: Connection, held: Held) -> Achieved:
    """What one sponsorship achieved."""
    return achieved([held], sponsor_records.sums_of(connection, held.sponsorship.company))[0]


def suggested(house: House, connection: Connection, wish: Wish, back: timedelta) -> list[Suggestion]:
    """Where money would do most, by claims awarded in the time before now."""
    now = house.clock.now()
    found = list(claim_desk.claims(connection, start=now - back, end=now, states=("awarded", "retired")))
    names = sorted({one.stretches[0].source.split("/")[1] for one in found if "/" in one.stretches[0].source})
    known = assets.find(connection, names)
    districts = {ident: str(asset.attributes.get("zone", "")) for ident, asset in known.items()}
    return suggest(wish, options(found, districts, rules_of(house)))


def _available(connection: Connection, account: str) -> int:
    try:
        return posting.balance(connection, account).available
    except NotFound:
        return 0
