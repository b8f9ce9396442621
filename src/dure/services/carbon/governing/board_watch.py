"""The inventory of districts and the public board are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class BoardWatch:
    """The inventory of districts and the public board are made."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        """One round."""
