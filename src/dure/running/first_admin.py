"""The first person who may sign in: made at the first start, with a password nobody else has."""

from __future__ import annotations

import asyncio
import os
import secrets
from typing import TYPE_CHECKING

import msgspec

from dure.core.access import Role
from dure.engines.records.audit import SYSTEM, By

if TYPE_CHECKING:
    from pathlib import Path

    from dure.spine.house import House

LOGIN = "admin"
ROLES: tuple[Role, ...] = ("admin", "operator", "auditor")
PASSWORD_BYTES = 12


class FirstAdmin(msgspec.Struct, frozen=True):
    """Who was made, and the file only its owner can read."""

    login: str
    password: str
    file: Path

    def __repr__(self) -> str:
        return f"FirstAdmin({self.login!r}, …)"


async def first_admin(house: House) -> FirstAdmin | None:
    """Make an admin where there is nobody yet; None where there is."""
    return await asyncio.to_thread(_make, house)


def _make(house: House) -> FirstAdmin | None:
    if house.people.count():
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    file = house.settings.data / "first-admin.txt"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(f"{LOGIN} {password}\n")
    house.people.add(LOGIN, "Administrator", password, ROLES, By(SYSTEM, house.clock.now()))
    return FirstAdmin(LOGIN, password, file)
