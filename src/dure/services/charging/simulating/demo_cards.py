"""The cards of the demo's drivers, put into the register of tokens: members, and one that is blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.services.charging.simulating.virtual_drivers import CARDS, card_number
from dure.services.charging.tokens import token_records
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token, digest

if TYPE_CHECKING:
    from dure.spine.house import House


def register(house: House) -> int:
    """Make the demo's cards known; how many were new. What staff changed since stays."""
    key, now = token_key(house.settings.data), house.clock.now()
    cards = [
        Token(
            digest=digest(card_number(n), key),
            label=f"시범 카드 {n + 1} · Demo card {n + 1}",
            concurrent_n=0,
            blocked=n == CARDS - 1,
            created_at=now,
            changed_at=now,
        )
        for n in range(CARDS)
    ]
    with house.records.begin() as connection:
        return token_records.insert(connection, cards)
