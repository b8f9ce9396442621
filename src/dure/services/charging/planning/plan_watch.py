"""The plan of each site is made anew when something changed, kept, and sent to its chargers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class PlanWatch:
    """Plans all sites of one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how much was done."""
        return 0
