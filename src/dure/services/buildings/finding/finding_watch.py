"""Waste is looked for, and its tickets are opened, followed and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class FindingWatch:
    """Waste is looked for, and its tickets are opened, followed and closed."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how much was done."""
        return 0
