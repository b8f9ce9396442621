"""Pending transfers that nobody ended in time become void."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class ExpiryWatch:
    """Pending transfers that nobody ended in time become void."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        """One round."""
