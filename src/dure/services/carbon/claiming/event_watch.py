"""Events of the services become claims, each once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class EventWatch:
    """Events of the services become claims, each once."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        """One round."""
