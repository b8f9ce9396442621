"""Households whose period is over are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class HouseholdWatch:
    """Households whose period is over are judged."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        """One round."""
