"""Staged entries get their places in the tree; its head is signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class LogWatch:
    """Staged entries get their places in the tree; its head is signed."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        """One round."""
