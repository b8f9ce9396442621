"""A company's money: what it may still give, what it achieved, and where more of it would do most."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from dure.core.errors import NotFound
from dure.core.time import day_of
from dure.engines.records.audit import By
from dure.services.carbon.claiming import claim_desk
from dure.services.carbon.companies import company_records, fundable, sponsor_records, sponsoring, sponsoring_desk
from dure.services.carbon.companies.achieving import Achieved, achieved
from dure.services.carbon.companies.company_desk import refuse
from dure.services.carbon.companies.sponsor_records import Held
from dure.services.carbon.companies.sponsoring import Sponsorship
from dure.services.carbon.companies.sponsoring_rules import SponsoringRules, sponsoring_rules
from dure.services.carbon.companies.suggesting import Option, Suggestion, Wish, options, suggest
from dure.services.carbon.governing.districts import where
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.practising import challenge_desk, group_records, practice_desk
from dure.services.carbon.programmes import programmes

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
    """Offer by the rules of the day; as `sponsoring_desk.offer`, InputError ``sponsor.target_unknown``."""
    rules, known = rules_of(house), programmes(day_of(by.at, house.city.zone), house.city.folder)
    why = sponsoring.objection(one, rules, by.at) or fundable.objection(house, connection, one)
    if why is not None:
        raise refuse(why)
    return sponsoring_desk.offer(connection, one, rules, by, known)


def achieved_by(connection: Connection, company: str) -> list[Achieved]:
    """What each sponsorship of a company achieved, newest first."""
    return achieved(sponsor_records.listing(connection, company=company), sponsor_records.sums_of(connection, company))


def achieved_by_one(connection: Connection, held: Held) -> Achieved:
    """What one sponsorship achieved."""
    return achieved([held], sponsor_records.sums_of(connection, held.sponsorship.company))[0]


def suggested(house: House, connection: Connection, wish: Wish, back: timedelta) -> list[Suggestion]:
    """Where money would do most, by claims awarded in the time before now, with the challenges people have set out on."""
    now, rules = house.clock.now(), rules_of(house)
    found = list(claim_desk.claims(connection, start=now - back, end=now, states=("awarded", "retired")))
    choices = options(found, where(house, connection, found), rules)
    return suggest(wish, [*choices, *_challenges(house, connection, rules)])


def _challenges(house: House, connection: Connection, rules: SponsoringRules) -> list[Option]:
    """Challenges of one tier that are not over; so little done that it would show persons counts as 0."""
    by = practice_desk.setting_of(house)
    made = []
    for one in group_records.all_challenges(connection, by.at):
        practices = [by.rules.practices[name] for name in one.practices if name in by.rules.practices]
        tiers = {by.rules.programmes[each.programme].tier: each.programme for each in practices}
        if len(tiers) != 1:
            continue  # done in several tiers: their sums stand for none of them
        (tier, programme), *_ = tiers.items()
        whole = challenge_desk.standing(connection, one.id, by.rules.limits.shown_from)[1].whole
        made.append(
            Option(
                target_kind="challenge", target=one.id, theme=rules.theme_of("practice"), district="", programme=programme,
                tier=tier, verified_g=0, estimated_g=(whole.grams or 0) if tier == "B" else 0, claims=whole.times or 0,
                won=whole.won or 0,
            )
        )  # fmt: skip
    return made


def _available(connection: Connection, account: str) -> int:
    try:
        return posting.balance(connection, account).available
    except NotFound:
        return 0
