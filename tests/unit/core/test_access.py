"""Who may do what, written out: every role, verb and subject. A change of the rules is a change of this table."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from dure.core.access import ANONYMOUS, ROLES, Actor, Role, Subject, Verb, may

VERBS: tuple[Verb, ...] = get_args(Verb)
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
WHO = ("anonymous", "device", *ROLES)

# A sign each for anonymous (-), device, citizen, crew (w), operator, officer, partner, admin, auditor (u): "x" may, "." not.
TABLE: dict[str, dict[str, str]] = {
    #                          -dcwofpau
    "public_data": {"read":   "xxxxxxxxx", "write": ".........", "act": ".........", "manage": "........."},
    "city_data":   {"read":   "...xxx.xx", "write": ".x..x..x.", "act": ".........", "manage": "........."},
    "parked":      {"read":   "....x..xx", "write": ".........", "act": "....x..x.", "manage": "........."},
    "device":      {"read":   "...xx..xx", "write": ".........", "act": ".........", "manage": "....x..x."},
    "asset":       {"read":   "...xxxxxx", "write": "....x..x.", "act": ".........", "manage": "........."},
    "user":        {"read":   ".......xx", "write": ".........", "act": ".........", "manage": ".......x."},
    "audit":       {"read":   ".......xx", "write": ".........", "act": ".........", "manage": "........."},
    "system":      {"read":   "....x..xx", "write": ".........", "act": ".........", "manage": ".......x."},
    "decision":    {"read":   "...xxx.xx", "write": ".........", "act": "....x..x.", "manage": "........."},
    "alert":       {"read":   ".........", "write": ".........", "act": "....xx.x.", "manage": "........."},
    "filing":      {"read":   ".........", "write": ".........", "act": "....xx.x.", "manage": "........."},
    "field_work":  {"read":   ".........", "write": ".........", "act": "...xx..x.", "manage": "........."},
    "personal":    {"read":   ".........", "write": ".........", "act": ".........", "manage": "........."},
    "ledger":      {"read":   "....xx.xx", "write": ".........", "act": ".........", "manage": "........."},
    "verification": {"read":  "....xx.xx", "write": ".........", "act": ".....x.x.", "manage": "........."},
    "programme":   {"read":   "xxxxxxxxx", "write": ".........", "act": ".........", "manage": ".....x.x."},
    "practice":    {"read":   ".........", "write": ".........", "act": "..xxxxxx.", "manage": "........."},
    "company":     {"read":   ".....xxxx", "write": ".........", "act": "......xx.", "manage": "........."},
}  # fmt: skip
RULES = [
    (who, verb, subject, mark == "x")
    for subject, verbs in TABLE.items()
    for verb, marks in verbs.items()
    for who, mark in zip(WHO, marks, strict=True)
]


def _actor(who: str) -> Actor:
    if who == "anonymous":
        return ANONYMOUS
    if who == "device":
        return Actor("dev-1", device=True)
    return Actor("person-1", frozenset({who}))  # type: ignore[arg-type]


def test_the_table_speaks_of_every_verb_and_subject() -> None:
    assert {(verb, subject) for _, verb, subject, _ in RULES} == set(itertools.product(VERBS, SUBJECTS))
    assert len(RULES) == len(WHO) * len(VERBS) * len(SUBJECTS) == 648
    assert get_args(Role) == ROLES


@pytest.mark.parametrize(("who", "verb", "subject", "allowed"), RULES)
def test_who_may_do_what(who: str, verb: Verb, subject: Subject, allowed: bool) -> None:
    assert may(_actor(who), verb, subject) is allowed


def test_several_roles_may_what_any_of_them_may() -> None:
    both = Actor("person-1", frozenset({"citizen", "auditor"}))

    assert may(both, "read", "audit")
    assert not may(both, "manage", "user")


def test_no_role_may_what_a_device_may() -> None:
    assert not may(Actor("citizen-1", frozenset({"citizen"})), "write", "city_data")
    assert may(Actor("dev-1", device=True), "write", "city_data")


def test_what_is_in_no_table_is_denied() -> None:
    everything = Actor("person-1", frozenset(ROLES), device=True)

    assert not may(everything, "manage", "public_data")
    assert not may(everything, "read", "nothing")  # type: ignore[arg-type]
