"""Depots and disposal sites beside a plan: on its map, and in the list that says the same."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from dure.core.text import Text
from dure.engines.records import assets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.services.waste.planning.plan import DayPlan
    from dure.web.i18n import Speech

KINDS: dict[str, Text] = {"dump": Text("처리장", "Disposal site"), "depot": Text("차고지", "Depot")}


class PlanPlace(NamedTuple):
    """A depot or a disposal site, and how often trucks come to it by the plan; at a depot, how many trucks begin there."""

    asset: Asset
    visits_n: int

    @property
    def hours(self) -> str:
        """When it takes waste, as the register has it."""
        return str(self.asset.attributes.get("windows", ""))


def places_of(connection: Connection, plan: DayPlan | None) -> list[PlanPlace]:
    """Those that are live, disposal sites first."""
    found = assets.listing(connection, assets.Wanted(kinds=tuple(KINDS), states=("live",))).items
    counts: Counter[str] = Counter()
    for route in plan.routes if plan else ():
        if plan and route.stops:
            counts.update(one.id for one in route.visits if one.kind == "dump")
            first = route.visits[0].place
            counts.update([plan.rows[first]] if 0 <= first < len(plan.rows) else [])
    return [PlanPlace(one, counts[one.id]) for one in sorted(found, key=lambda one: (one.kind == "depot", one.id))]


def features_of(places: Sequence[PlanPlace], say: Speech) -> list[dict[str, Any]]:
    """Points for the map."""
    features: list[dict[str, Any]] = []
    for one in places:
        if one.asset.place is None:
            continue
        point = one.asset.place.point
        told = say.text(KINDS[one.asset.kind]) + " · " + visits_words(one, say)
        facts = {"id": one.asset.id, "name": say.text(one.asset.name), "status": one.asset.kind, "value": None, "told": told}
        facts["href"] = f"#place-{one.asset.id}"
        geometry = {"type": "Point", "coordinates": [point.lon, point.lat]}
        features.append({"type": "Feature", "id": one.asset.id, "geometry": geometry, "properties": facts})
    return features


def visits_words(one: PlanPlace, say: Speech) -> str:
    """How often trucks come, in words."""
    if one.asset.kind == "depot":
        return say("차 {n}대가 나감", n=say.number(one.visits_n))
    return say("비우러 {n}번", n=say.number(one.visits_n))
