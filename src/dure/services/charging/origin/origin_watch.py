"""Closed intervals of each site are given their origin, in whole Wh."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class OriginWatch:
    """Keeps the origin ledger of all sites of one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how much was done."""
        return 0
