"""Where claims were measured: the asset behind each and its district. One rule for boards, inventories and sponsoring."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from dure.engines.records import assets
from dure.services.carbon.governing import inventory_records
from dure.services.carbon.governing.places import NOWHERE, assets_of, service_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.services.carbon.model import Claim
    from dure.spine.house import House


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Where a claim was measured.

    Attributes
    ----------
    asset : the first of its assets that is on the register: the scale, for what was weighed in a bag; empty without one
    source : how a sponsorship names that asset, ``building/ID``, ``charging/ID``, ``recycled/SCALE``; empty without one
    district : id of the zone that holds the asset's place; empty outside all zones, and of what has no place
    """

    asset: str = ""
    source: str = ""
    district: str = NOWHERE


def where(house: House, connection: Connection, claims: Iterable[Claim]) -> dict[str, Where]:
    """Where each claim was measured, by its id. What is a person's has no place: nobody's is guessed."""
    found = list(claims)
    bags = sorted({name for one in found if service_of(one) == "recycling" for name in assets_of(one)})
    scales = inventory_records.scales_of(connection, bags) if bags else {}
    names = {one.id: [scales.get(name, name) for name in assets_of(one)] for one in found}
    known = assets.find(connection, {name for each in names.values() for name in each})
    return {one.id: _where(house, one, names[one.id], known) for one in found}


def _where(house: House, claim: Claim, names: Iterable[str], known: Mapping[str, Asset]) -> Where:
    there = [known[name] for name in names if name in known]
    if not there:
        return Where()
    first = claim.stretches[0].source.partition("/")[0]
    placed = next((one for one in there if one.place is not None), None)
    zone = house.city.zone_of(placed.place.point) if placed is not None and placed.place is not None else None
    return Where(asset=there[0].id, source=f"{first}/{there[0].id}", district=NOWHERE if zone is None else zone.id)
