"""Proofs that wait are decided; forecasts of budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.spine.house import House


class PracticeWatch:
    """Proofs that wait are decided; forecasts of budgets."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def look(self) -> None:
        """One round."""
