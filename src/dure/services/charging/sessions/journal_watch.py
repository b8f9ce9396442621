"""What stations said, from the journal to sessions, states of EVSEs and observations: exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class JournalWatch:
    """Reads the journal of the central system from its own cursor on."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> int:
        """One round; how much was done."""
        return 0
