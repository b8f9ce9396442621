"""Who may do what: one table, one question."""

from __future__ import annotations

from typing import Literal

import msgspec

Role = Literal["citizen", "crew", "operator", "officer", "partner", "admin", "auditor"]
Verb = Literal["read", "write", "act", "manage"]
Subject = Literal[
    "public_data",  # assets and observations a citizen may see
    "city_data",  # everything observed, with flags, quarantine and health
    "parked",  # readings that could not be used
    "device",  # devices and their credentials
    "asset",  # the register of assets
    "user",  # accounts and roles
    "audit",  # the audit log
    "system",  # settings, health of the engines, backups
    "decision",  # plans, warnings and their reasons
    "alert",  # what has reached a level and waits for somebody to acknowledge it
    "filing",  # targets and what is given out to authorities
    "field_work",  # what crews do on the street: taps at bins, photos, repairs
    "personal",  # data of persons, apart and encrypted
    "ledger",  # the carbon books: accounts, transfers, claims
    "verification",  # claims that wait for a person's word
    "programme",  # carbon programmes and their budgets
    "practice",  # one's own practices, household and wallet
    "company",  # one's own company: data, footprint, sponsorships, statements
]
ROLES: tuple[Role, ...] = ("citizen", "crew", "operator", "officer", "partner", "admin", "auditor")


class Actor(msgspec.Struct, frozen=True):
    """Somebody or something that asks: a person with roles, a device, or (no id) an anonymous visitor."""

    id: str = ""
    roles: frozenset[Role] = frozenset()
    device: bool = False


ANONYMOUS = Actor()

# (verb, subject) -> roles that may; what is not listed nobody may. "anyone" needs no sign-in.
_MAY: dict[tuple[Verb, Subject], frozenset[str]] = {
    ("read", "public_data"): frozenset({"anyone"}),
    ("read", "city_data"): frozenset({"crew", "operator", "officer", "admin", "auditor"}),
    ("read", "parked"): frozenset({"operator", "admin", "auditor"}),
    ("act", "parked"): frozenset({"operator", "admin"}),
    ("read", "device"): frozenset({"crew", "operator", "admin", "auditor"}),
    ("manage", "device"): frozenset({"operator", "admin"}),
    ("read", "asset"): frozenset({"crew", "operator", "officer", "partner", "admin", "auditor"}),
    ("write", "asset"): frozenset({"operator", "admin"}),
    ("read", "user"): frozenset({"admin", "auditor"}),
    ("manage", "user"): frozenset({"admin"}),
    ("read", "audit"): frozenset({"admin", "auditor"}),
    ("read", "system"): frozenset({"operator", "admin", "auditor"}),
    ("manage", "system"): frozenset({"admin"}),
    ("read", "decision"): frozenset({"crew", "operator", "officer", "admin", "auditor"}),
    ("act", "decision"): frozenset({"operator", "admin"}),
    ("act", "alert"): frozenset({"operator", "officer", "admin"}),
    ("act", "filing"): frozenset({"operator", "officer", "admin"}),
    ("act", "field_work"): frozenset({"crew", "operator", "admin"}),
    ("read", "ledger"): frozenset({"operator", "officer", "admin", "auditor"}),
    ("read", "verification"): frozenset({"operator", "officer", "admin", "auditor"}),
    ("act", "verification"): frozenset({"officer", "admin"}),
    ("read", "programme"): frozenset({"anyone"}),
    ("manage", "programme"): frozenset({"officer", "admin"}),
    ("act", "practice"): frozenset({"citizen", "crew", "operator", "officer", "partner", "admin"}),
    ("read", "company"): frozenset({"partner", "officer", "admin", "auditor"}),
    ("act", "company"): frozenset({"partner", "admin"}),
    ("write", "city_data"): frozenset({"device", "operator", "admin"}),
}


def may(actor: Actor, verb: Verb, subject: Subject) -> bool:
    """Whether the actor may do this to that. Denied unless the table says otherwise."""
    allowed = _MAY.get((verb, subject), frozenset())
    if "anyone" in allowed:
        return True
    return ("device" in allowed and actor.device) or not allowed.isdisjoint(actor.roles)
