"""The list of tokens a station keeps for the time without connection (1.6 LocalAuthListManagement; 2.x block D).

Only digests are kept here, so a list is made of cards as somebody has them at hand (a file); what is not known, blocked, over, or
not for offline use is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from dure.core.errors import InputError
from dure.core.time import to_us
from dure.services.charging.stations import calls
from dure.services.charging.stations.calls import Call
from dure.services.charging.stations.said import instant_text
from dure.services.charging.tokens import list_records, token_records
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token, checked_text, digest, judged

if TYPE_CHECKING:
    from dure.engines.records.audit import By
    from dure.spine.house import House

ENTRIES_MAX = 500  # a frame has 64 kB


class Built(NamedTuple):
    """Entries by token, as `verbs` sends them, and how many cards were left out."""

    entries: dict[str, dict[str, Any]]
    digests: list[str]
    left_out: int


def built(cards: Iterable[str], known: Mapping[str, Token], key: bytes, site: str, now: datetime) -> Built:
    """The list of a station at a site."""
    entries: dict[str, dict[str, Any]] = {}
    digests: list[str] = []
    left_out = 0
    for card in dict.fromkeys(checked_text(one) for one in cards):
        name = digest(card, key)
        token = known.get(name)
        if token is None or not token.offline or judged(token, to_us(now), -1, site).verdict != "Accepted":
            left_out += 1
            continue
        entries[card] = {"status": "Accepted", "group": token.group}
        if token.expires_at is not None:
            entries[card]["expires"] = instant_text(to_us(token.expires_at))
        digests.append(name)
    if len(entries) > ENTRIES_MAX:
        raise InputError("token.list", f"A local list has at most {ENTRIES_MAX} entries here, not {len(entries)}.")
    return Built(entries, digests, left_out)


async def send(house: House, charger: str, site: str, cards: list[str], by: By) -> tuple[Call, int]:
    """Send a station the whole list; the call, and how many cards were left out.

    Raises
    ------
    InputError : a card cannot be read (``token.text``), the list is too long (``token.list``)
    Conflict : the station is offline
    """

    def prepare() -> tuple[Built, int]:
        key = token_key(house.settings.data)
        with house.records.begin() as connection:
            known = token_records.find(connection, [digest(one, key) for one in cards])
            found = built(cards, known, key, site, by.at)
            return found, list_records.sent(connection, charger, found.digests, by.at)

    found, version = await asyncio.to_thread(prepare)
    call = await calls.do(house, charger, "send_list", {"version": version, "entries": found.entries}, by)
    return call, found.left_out
