"""Challenges: made by officers, entered by groups, sponsored by companies through escrow."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from dure.core.errors import InputError, NotAllowed, NotFound
from dure.core.identifiers import identifier
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.services.carbon.companies import sponsor_records
from dure.services.carbon.companies.sponsor_records import Held
from dure.services.carbon.companies.sponsoring import CHALLENGE
from dure.services.carbon.ledger import accounts, posting
from dure.services.carbon.model import Stretch
from dure.services.carbon.practising import group_records
from dure.services.carbon.practising.acts import Act
from dure.services.carbon.practising.challenge import Standings, standings
from dure.services.carbon.practising.group_records import Challenge
from dure.services.carbon.practising.practice_desk import Setting

TITLE_MAX = 120
GOAL_MAX = 10**9


class Sponsored(msgspec.Struct, frozen=True, kw_only=True):
    """A company's money behind a challenge [KRW]: still in escrow, and released for what was done."""

    company: str
    state: str
    escrow_won: int
    released_won: int


def make(connection: Connection, one: Challenge, rules: Setting, by: By) -> Challenge:
    """An officer makes a challenge, or changes it.

    Raises InputError ``practice.challenge``, ``id.malformed``.
    """
    identifier(one.id, "challenge")
    unknown = [each for each in one.practices if each not in rules.rules.practices]
    titled = 0 < len(one.title.ko.strip()) <= TITLE_MAX and len(one.title.en) <= TITLE_MAX
    if not titled or one.start_at >= one.end_at or not one.practices or unknown or not 0 < one.goal <= GOAL_MAX:
        raise InputError("practice.challenge", "A challenge needs a title, known practices, a goal, and an end after its start.")
    group_records.put_challenge(connection, one, by.at)
    audit.append(connection, by, "manage", "programme", one.id, {"challenge": {"goal": one.goal}})
    return one


def enter(connection: Connection, person: str, challenge: str, group: str, by: Setting) -> None:
    """A member enters their group.

    Raises
    ------
    NotFound : ``practice.challenge_unknown``
    NotAllowed : ``practice.group_foreign``
    InputError : ``practice.challenge_over``
    """
    one = group_records.challenge(connection, challenge)
    if all(each.id != group for each in group_records.groups_of(connection, person)):
        raise NotAllowed("practice.group_foreign", "You are not in this group.")
    if one.end_at <= by.at:
        raise InputError("practice.challenge_over", "The challenge is over.")
    group_records.enter(connection, challenge, group, by.at)


def standing(connection: Connection, ident: str, shown_from: int) -> tuple[Challenge, Standings]:
    """A challenge and how it stands; raises ``practice.challenge_unknown``."""
    one = group_records.challenge(connection, ident)
    groups = group_records.groups_in(connection, ident)
    sizes = group_records.sizes(connection, [each.id for each in groups])
    return one, standings(one, groups, sizes, group_records.done(connection, one), shown_from)


def sponsors(connection: Connection, ident: str) -> list[Sponsored]:
    """Companies whose sponsorship names the challenge."""
    named = [held for held in _sponsorships(connection) if _challenge_of(held) == ident]
    return [
        Sponsored(
            company=held.sponsorship.company, state=held.state, escrow_won=_escrow(connection, held.sponsorship.id),
            released_won=held.released_won,
        )
        for held in named
    ]  # fmt: skip


def stretches(connection: Connection, act: Act, stretch: Stretch) -> tuple[Stretch, ...]:
    """What a claim of the act takes for sponsored challenges, so that a sponsorship counts it: one stretch for each."""
    if act.done_at is None:
        return ()
    targets = {_challenge_of(held) for held in _sponsorships(connection) if held.state == "running"}
    if not targets:
        return ()
    running = group_records.running_for(connection, act.person, act.practice, act.done_at)
    return tuple(msgspec.structs.replace(stretch, source=f"{CHALLENGE}{one}/{act.id}") for one in running if one in targets)


def _sponsorships(connection: Connection) -> list[Held]:
    return [held for held in sponsor_records.listing(connection, states=("running", "ended")) if _challenge_of(held)]


def _challenge_of(held: Held) -> str:
    """The challenge a sponsorship is of, empty for another one; an older one names it as a source, ``challenge/ID``."""
    one = held.sponsorship
    if one.target_kind == "challenge":
        return one.target
    named = one.target_kind == "source" and one.target.startswith(CHALLENGE)
    return one.target.removeprefix(CHALLENGE) if named else ""


def _escrow(connection: Connection, ident: str) -> int:
    try:
        return posting.balance(connection, accounts.escrow(ident).id).available
    except NotFound:
        return 0
