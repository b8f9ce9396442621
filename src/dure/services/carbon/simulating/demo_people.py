"""People of the demo who can sign in: a citizen, a company's ESG officer, an officer of the city. Blocks.

Passwords are made at the first start and kept in a file only its owner can read.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, NamedTuple

from dure.engines.records.audit import SYSTEM, By

if TYPE_CHECKING:
    from pathlib import Path

    from dure.core.access import Role
    from dure.engines.identity.people import Person
    from dure.spine.house import House

FILE = "demo-people.txt"
PASSWORD_BYTES = 12
CITIZEN, ESG_OFFICER, CITY_OFFICER = "demo-citizen", "demo-esg", "demo-officer"
PEOPLE: tuple[tuple[str, str, Role], ...] = (
    (CITIZEN, "시연 시민 · Demo citizen", "citizen"),
    (ESG_OFFICER, "시연 회사 ESG 담당 · ESG officer of the demo company", "partner"),
    (CITY_OFFICER, "시연 담당 공무원 · Demo officer", "officer"),
)


class SignIn(NamedTuple):
    """How one of them signs in; shown once."""

    login: str
    password: str
    role: str
    file: Path


def make(house: House) -> list[SignIn]:
    """Make the accounts that are not there yet; those that were made now.

    The file comes first: a start that ends in between goes on with the passwords in it.
    """
    known = {one.login for one in house.people.listing(limit=1_000).items}
    missing = [one for one in PEOPLE if one[0] not in known]
    if not missing:
        return []
    file = house.settings.data / FILE
    kept = dict(line.split(" ", 1) for line in file.read_text("utf-8").splitlines()) if file.exists() else {}
    passwords = {login: kept.get(login) or secrets.token_urlsafe(PASSWORD_BYTES) for login, _, _ in PEOPLE}
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.writelines(f"{login} {password}\n" for login, password in passwords.items())
    by = By(SYSTEM, house.clock.now())
    for login, name, role in missing:
        house.people.add(login, name, passwords[login], (role,), by)
    return [SignIn(login, passwords[login], role, file) for login, _, role in missing]


def account(house: House, login: str) -> Person | None:
    """One of them; None in a city that has none, or where an admin renamed it."""
    return next((one for one in house.people.listing(limit=1_000).items if one.login == login), None)
