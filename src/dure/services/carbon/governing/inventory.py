"""The inventory of districts: what was measured and credited, by district, service and tier. Pure.

Tiers stand side by side and are never summed: there is no figure here over two of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dure.services.carbon.governing.places import PRIVATE
from dure.services.carbon.model import Tier


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the inventory.

    Attributes
    ----------
    district : id of a zone; empty where nothing says which
    grams : credited [gCO2e], of claims that are awarded or retired
    point_grams : best estimate before deductions [gCO2e]
    measured : what was measured, by method and unit (``pv-generation Wh``): two that count one kWh stand apart
    people : how many persons hold them
    """

    district: str
    service: str
    tier: Tier
    claims: int
    grams: int
    point_grams: int
    measured: dict[str, int]
    people: int = 0

    @property
    def figure(self) -> str:
        """Its id, without the year."""
        return f"{self.district or 'city'}/{self.service}/{self.tier}"


def small(row: Row, least: int) -> bool:
    """Whether so few persons stand behind a row that it is not shown."""
    return 0 < row.people < least or (row.service in PRIVATE and row.people < least)


def shown(rows: Iterable[Row], least: int) -> list[Row]:
    """Rows that may be shown to everybody."""
    return [one for one in rows if not small(one, least)]


def by_district(rows: Iterable[Row], tier: Tier) -> dict[str, int]:
    """Grams of one tier by district [gCO2e]."""
    found: dict[str, int] = {}
    for one in rows:
        if one.tier == tier:
            found[one.district] = found.get(one.district, 0) + one.grams
    return found
