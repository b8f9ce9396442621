"""What can be sponsored here: programmes, districts, challenges, buildings, charging sites, recycling scales, collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.engines.records import assets
from dure.services.carbon.companies.sponsoring import CHALLENGE, Sponsorship, TargetKind
from dure.services.carbon.model import Refused
from dure.services.carbon.practising import group_records
from dure.services.carbon.programmes import programme, programmes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

# First word of a claim's source -> kind of the asset that is its second word.
MEASURED = {"building": "building", "charging": "charging_site", "recycled": "scale"}
COLLECTION = "waste/collection"  # no single bin has a measured reduction: collection as a whole has
COLLECTED = Text("쓰레기통 수거 (도시 전체)", "Collection of the bins (whole city)")
DEED = "practice"
LISTED_MAX = 500


class Fundable(msgspec.Struct, frozen=True):
    """Something that can be sponsored: what a sponsorship's `target_kind` and `target` say, and its name."""

    target_kind: TargetKind
    target: str
    name: Text


def fundable(house: House, connection: Connection) -> list[Fundable]:
    """All of it, at most `LISTED_MAX` assets of a kind."""
    now = house.clock.now()
    rows = programmes(day_of(now, house.city.zone), house.city.folder).values()
    found = [Fundable("programme", one.id, one.name) for one in rows]
    found += [Fundable("district", one.id, one.name) for one in house.city.zones]
    found += [Fundable("challenge", one.id, one.title) for one in group_records.all_challenges(connection, now)]
    for first, kind in MEASURED.items():
        wanted = assets.Wanted(kinds=(kind,), states=("live",))
        there = assets.listing(connection, wanted, limit=LISTED_MAX).items
        found += [Fundable("source", f"{first}/{one.id}", one.name) for one in there]
    return [*found, Fundable("source", COLLECTION, COLLECTED)]


def objection(house: House, connection: Connection, one: Sponsorship) -> Refused | None:
    """Why its target cannot be sponsored: it is not there, it is a person's, or it is over before the sponsorship begins.

    Raises NotFound ``programme.unknown``.
    """
    if one.target_kind == "programme":
        programme(one.target, day_of(house.clock.now(), house.city.zone), house.city.folder)
        return None
    if one.target_kind == "district":
        return None if house.city.zone_by_id(one.target) is not None else _unknown("구역", "district", one.target)
    if one.target_kind == "challenge" or one.target.startswith(CHALLENGE):
        return _challenge(connection, one)
    first, _, rest = one.target.partition("/")
    if one.target == COLLECTION or (first == DEED and rest and "/" not in rest):  # a deed of anybody, never of one person
        return None
    name = rest.partition("/")[0]
    known = assets.find(connection, [name]).get(name) if first in MEASURED else None
    return None if known is not None and known.kind == MEASURED[first] else _unknown("자산", "asset", one.target)


def _challenge(connection: Connection, one: Sponsorship) -> Refused | None:
    try:
        found = group_records.challenge(connection, one.target.removeprefix(CHALLENGE))
    except NotFound:
        return _unknown("도전", "challenge", one.target)
    if found.end_at <= one.start or one.end <= found.start_at:
        ko, en = "후원 기간이 도전 기간과 겹치지 않습니다.", "The sponsorship does not run while the challenge does."
        return Refused("sponsor.period", Text(ko, en))
    return None


def _unknown(ko: str, en: str, target: str) -> Refused:
    return Refused("sponsor.target_unknown", Text(f"그런 {ko}이(가) 없습니다: {target[:80]}", f"No such {en}: {target[:80]}"))
