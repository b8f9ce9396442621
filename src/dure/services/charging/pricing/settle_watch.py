"""Sessions that ended and whose origin is known are priced and settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class SettleWatch:
    """Settles the sessions of one house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how much was done."""
        return 0
