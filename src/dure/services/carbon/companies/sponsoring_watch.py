"""Escrow is released for verified results, or goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class SponsoringWatch:
    """Escrow is released for verified results, or goes back."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        """One round."""
