"""Register reads of live meters become intervals on the books."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class ReadWatch:
    """Register reads of live meters become intervals on the books."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how much was done."""
        return 0
