"""Boards and inventories of the city as they are asked for. Blocks."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from dure.core.time import day_interval, day_of
from dure.services.carbon.companies import sponsor_records
from dure.services.carbon.governing import board_records, flow_records, inventory_records
from dure.services.carbon.governing.board import Board, Counted, Lying, Sealed, board
from dure.services.carbon.governing.board_rules import BoardRules, board_rules
from dure.services.carbon.governing.budget_desk import year_bounds
from dure.services.carbon.governing.inventory import Row, shown
from dure.services.carbon.programmes import programmes
from dure.services.carbon.transparency import log_records

if TYPE_CHECKING:
    from dure.spine.house import House

MONTHS = 12


def rules_of(house: House) -> BoardRules:
    """The rules in force today."""
    return board_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)


def this_year(house: House) -> int:
    """The local calendar year."""
    return day_of(house.clock.now(), house.city.zone).year


def years(house: House) -> list[int]:
    """The years that can be chosen, newest first."""
    newest = this_year(house)
    return list(range(newest, newest - rules_of(house).years_shown, -1))


def board_of(house: House, connection: Connection, year: int) -> Board:
    """The board of a year as it was made last; made now when it never was."""
    return board_records.find(connection, year) or make(house, connection, year)


def make(house: House, connection: Connection, year: int) -> Board:
    """The board of a year, from the books as they are."""
    now = house.clock.now()
    whole, months = year_bounds(house, year), month_bounds(house, year)
    counted = Counted(
        flows=flow_records.flows(connection, whole),
        monthly_flows=flow_records.flows(connection, months),
        credited=inventory_records.credited(connection, whole),
        monthly_credited=inventory_records.credited(connection, months),
        lying=_lying(connection),
        sealed=_sealed(connection),
    )
    known = programmes(day_of(now, house.city.zone), house.city.folder)
    return board(year, now, counted, {ident: row.tier for ident, row in known.items()}, rules_of(house).people_min)


def inventory_of(house: House, connection: Connection, year: int, *, whole: bool) -> list[Row]:
    """The inventory of a year; without what rests on too few persons unless it is to be `whole`."""
    rows = inventory_records.inventory(connection, *year_bounds(house, year))
    return rows if whole else shown(rows, rules_of(house).people_min)


def month_bounds(house: House, year: int) -> tuple[datetime, ...]:
    """First instant of each local month of a year, and of the next year."""
    firsts = [date(year, month, 1) for month in range(1, MONTHS + 1)] + [date(year + 1, 1, 1)]
    return tuple(day_interval(one, house.city.zone).start for one in firsts)


def _lying(connection: Connection) -> Lying:
    by_tonne = [held for held in sponsor_records.listing(connection) if held.sponsorship.won_per_tonne]
    return Lying(
        company_won=flow_records.standing_won(connection, "company"),
        escrow_won=flow_records.standing_won(connection, "escrow"),
        budget_won=flow_records.standing_won(connection, "budget"),
        sponsored_won=sum(held.released_won for held in by_tonne),
        sponsored_g=sum(held.counted_g for held in by_tonne),
    )


def _sealed(connection: Connection) -> Sealed | None:
    head = log_records.head(connection)
    return None if head is None else Sealed(size=head.size, at=head.at, root=head.root)
