"""The inventory of districts and the public board are made; a frozen programme keeps what comes in."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from dure.services.carbon.governing import board_desk, board_records, budget_desk, inventory_records
from dure.services.carbon.governing.districts import where
from dure.services.carbon.governing.inventory_records import Placed
from dure.services.carbon.governing.places import service_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from dure.services.carbon.model import Claim
    from dure.spine.house import House

AT_ONCE = 500


class BoardWatch:
    """Gives claims their district, and makes the board of this year and the last anew when the books have moved."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._mark: tuple[int, ...] | None = None

    async def look(self) -> None:
        """One round."""
        await asyncio.to_thread(self.look_once)

    def look_once(self) -> int:
        """One round; how many claims got their place. Blocks."""
        count = self._place()
        self._hold_back()
        self._make()
        return count

    def _place(self) -> int:
        count = 0
        while True:
            with self._house.records.read() as connection:
                found = inventory_records.unplaced(connection, AT_ONCE)
                rows = placed(self._house, connection, found)
            if rows:
                with self._house.records.begin() as connection:
                    count += inventory_records.place(connection, rows)
            if len(found) < AT_ONCE:
                return count

    def _hold_back(self) -> None:
        house, year = self._house, board_desk.this_year(self._house)
        with house.records.read() as connection:
            frozen = [one for one in budget_desk.standings(house, connection, year).values() if one.frozen and one.left_won > 0]
        for one in frozen:
            with house.records.begin() as connection:
                budget_desk.hold_back(house, connection, one.programme, house.clock.now())

    def _make(self) -> None:
        house, newest = self._house, board_desk.this_year(self._house)
        with house.records.read() as connection:
            mark = (newest, *board_records.mark(connection))
            if mark == self._mark:
                return
            made = [board_desk.make(house, connection, year) for year in (newest, newest - 1)]
        with house.records.begin() as connection:
            for one in made:
                board_records.put(connection, one)
        self._mark = mark


def placed(house: House, connection: Connection, found: Sequence[Claim]) -> list[Placed]:
    """The district and service of each claim."""
    places = where(house, connection, found)
    return [Placed(one.id, places[one.id].district, service_of(one)) for one in found]
