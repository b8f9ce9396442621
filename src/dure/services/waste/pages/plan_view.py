"""What the dispatcher's page shows of a plan: its version, routes, reasons, frontier and map. Reads the records; blocks."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_interval
from dure.engines.records import assets
from dure.services.waste.driving import missed_records
from dure.services.waste.driving.shift import instant_of
from dure.services.waste.pages.frontier_chart import Dial, frontier_chart
from dure.services.waste.pages.naming import Names
from dure.services.waste.pages.plan_places import features_of, places_of
from dure.services.waste.planning import plan_records, plan_words
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from dure.core.assets import Asset
    from dure.routing.model import Route
    from dure.services.waste.driving.missed_records import MissedVisit
    from dure.services.waste.pages.plan_places import PlanPlace
    from dure.services.waste.planning.edits import Edit, EditKind
    from dure.services.waste.planning.frontier import FrontierPoint
    from dure.services.waste.planning.plan_records import Kept, PlanHead
    from dure.services.waste.planning.verdicts import Verdict
    from dure.spine.house import House
    from dure.web.i18n import Speech

ROWS_MAX = 500
NONE = Text("")
STATES: dict[str, Word] = {
    "draft": Word(
        Text("초안", "Draft"), "warning", "clock", Text("아직 아무에게도 보이지 않습니다.", "Nobody drives by it yet.")
    ),
    "published": Word(Text("확정", "In force"), "success", "check", Text("차량이 이 계획으로 다닙니다.", "Trucks drive by it.")),
    "superseded": Word(
        Text("지난 판", "Superseded"), "gray", "dash", Text("새 판이 나왔습니다.", "A newer version is in force.")
    ),
    "refused": Word(
        Text("검사에 걸림", "Refused"), "danger", "cross", Text("검사기가 잘못을 찾았습니다.", "The checker found fault with it.")
    ),
}
EDIT_KINDS: dict[EditKind, Text] = {
    "lock": Text("통을 꼭 넣기", "Put a bin in"),
    "ban": Text("통을 빼기", "Take a bin out"),
    "move": Text("통을 다른 차로", "Give a bin to a truck"),
    "breakdown": Text("차량 고장", "A truck broke down"),
}
WHY: dict[str, Text] = {
    "plan.past": Text("지난 날의 계획은 바꿀 수 없습니다.", "A day that is over cannot be planned."),
    "plan.version": Text("다른 사람이 새 판을 만들었습니다. 먼저 보세요.", "Somebody made a newer version. Look first."),
    "plan.state": Text("초안만 확정할 수 있습니다.", "Only a draft can be put in force."),
    "plan.older": Text("더 새로운 판이 이미 확정되었습니다.", "A newer version is in force already."),
    "plan.edits": Text("그 뒤에 고친 것이 있습니다. 새 초안을 확정하세요.", "The day was edited since. Take the newest draft."),
    "plan.refused": Text("검사기가 잘못을 찾아 확정하지 않았습니다.", "The checker found fault with it."),
    "plan.unserved": Text(
        "꼭 비울 통 가운데 못 비우는 것이 있습니다. 알고 있다고 표시해야 확정됩니다.",
        "Bins that must be emptied are not. Tick that this is known to put it in force.",
    ),
    "plan.none": Text("먼저 초안을 만드세요.", "Make a draft first."),
    "plan.failed": Text("계획을 만들지 못했습니다. 잠시 뒤에 다시 하세요.", "The plan could not be made. Try again shortly."),
    "plan.overdue": Text("계획 작업이 끝나지 않아 멈췄습니다. 다시 하세요.", "Planning hung and was ended. Try again."),
    "edit.bin": Text("그런 쓰레기통이 없습니다.", "There is no such bin."),
    "edit.truck": Text("그런 차량이 없습니다.", "There is no such truck."),
    "edit.stream": Text("그 차는 이 통의 쓰레기를 싣지 않습니다.", "That truck does not take the waste of this bin."),
    "edit.undone": Text("이미 되돌린 것입니다.", "It was taken back already."),
}  # fmt: skip


class TruckLine(NamedTuple):
    """One truck of a plan."""

    id: str
    stops_n: int
    trips_n: int
    distance_m: int
    duration_s: int
    leaves_at: datetime
    back_at: datetime


class Shown(NamedTuple):
    """A version of a day's plan with everything around it."""

    kept: Kept | None
    versions: Sequence[PlanHead]
    edits: Sequence[Edit]
    names: Names
    trucks: Sequence[TruckLine]
    fleet: Sequence[Asset]
    places: dict[str, Asset]
    missed: dict[str, MissedVisit]
    sites: Sequence[PlanPlace]


def read(house: House, day: date, plan: str) -> Shown:
    """The version asked for; without one the newest draft or the plan in force.

    Raises
    ------
    NotFound : there is no such version of that day (``plan.unknown``)
    """
    with house.records.read() as connection:
        versions = plan_records.versions(connection, day)
        if plan and plan not in {one.id for one in versions}:
            raise NotFound("plan.unknown", f"There is no plan {plan!r} of that day.")
        wanted = plan or next((one.id for one in versions if one.state in ("draft", "published")), "")
        kept = plan_records.get(connection, wanted) if wanted else None
        edits = plan_records.edits(connection, day)
        fleet = assets.listing(connection, assets.Wanted(kinds=("truck",), states=("live",))).items
        ids = {one.bin for one in edits if one.bin}
        if kept:
            ids |= {one.bin for one in kept.plan.verdicts} | set(kept.plan.rows)
        places = assets.find(connection, ids)
        missed = missed_records.between(connection, day_interval(day, house.city.zone))
        sites = places_of(connection, kept.plan if kept else None)
    names = Names(places | {one.id: one for one in fleet})
    trucks = [_line(one, day, house) for one in kept.plan.routes if one.stops] if kept else []
    return Shown(kept, versions, edits, names, trucks, fleet, places, missed, sites)


def _line(route: Route, day: date, house: House) -> TruckLine:
    zone = house.city.zone
    first, last = route.visits[0], route.visits[-1]
    return TruckLine(
        id=route.vehicle,
        stops_n=len(route.stops),
        trips_n=sum(one.kind == "dump" for one in route.visits),
        distance_m=route.distance_m,
        duration_s=route.duration_s,
        leaves_at=instant_of(day, first.leave_s, zone),
        back_at=instant_of(day, last.arrive_s, zone),
    )


def rows(shown: Shown, show: str) -> list[Verdict]:
    """Verdicts as chosen (``in``, ``out``, ``must``, ``missed``, or one reason): the served by place, others by risk."""
    if shown.kept is None:
        return []
    chosen = [one for one in shown.kept.plan.verdicts if (one.bin in shown.missed if show == "missed" else _fits(one, show))]
    return sorted(chosen, key=lambda one: (not one.served, one.truck if one.served else "", one.position, -one.risk))[:ROWS_MAX]


def _fits(one: Verdict, show: str) -> bool:
    if show in ("", "all"):
        return True
    if show in ("in", "out"):
        return one.served is (show == "in")
    return one.must if show == "must" else one.code == show


def reasons(shown: Shown) -> list[tuple[str, Text, int, bool]]:
    """Each reason with how many bins it holds of, and whether it is one for being in."""
    if shown.kept is None:
        return []
    counts = Counter((one.code, one.served) for one in shown.kept.plan.verdicts)
    return [(code, plan_words.VERDICTS[code], n, served) for (code, served), n in counts.most_common()]


def frontier(shown: Shown, say: Speech) -> tuple[Markup, Sequence[FrontierPoint]] | None:
    """The chart of the frontier and its points; None where there is none."""
    if shown.kept is None or not shown.kept.plan.frontier:
        return None
    plan = shown.kept.plan
    dials = [Dial(one.dial_m / 1000, one.distance_m / 1000, one.overflow, chosen=False) for one in plan.frontier]
    dials.append(Dial(plan.dial_m / 1000, plan.figures.distance_m / 1000, plan.figures.overflow, chosen=True))
    return frontier_chart(dials, say), plan.frontier


def map_of(shown: Shown, say: Speech, prefix: str) -> dict[str, Any]:
    """Bins as points and routes as lines."""
    features: list[dict[str, Any]] = []
    if shown.kept is None:
        return {"type": "FeatureCollection", "features": features}
    plan = shown.kept.plan
    for one in plan.verdicts:
        asset = shown.places.get(one.bin)
        if asset is None or asset.place is None:
            continue
        point = asset.place.point
        emptied = one.served or one.code == "done"
        status = "live" if emptied else "failing" if one.must else "silent"
        facts = {"id": one.bin, "name": say.text(asset.name), "status": status, "value": one.position or None}
        facts["href"] = f"{prefix}/operations/waste/bins/{one.bin}"
        geometry = {"type": "Point", "coordinates": [point.lon, point.lat]}
        features.append({"type": "Feature", "id": one.bin, "geometry": geometry, "properties": facts})
    for route in plan.routes:
        line = [list(each) for each in plan.lines.get(route.vehicle, ())] or _straight(route, shown)
        if len(line) > 1:
            geometry = {"type": "LineString", "coordinates": line}
            features.append({"type": "Feature", "geometry": geometry, "properties": {"truck": route.vehicle}})
    return {"type": "FeatureCollection", "features": [*features, *features_of(shown.sites, say)]}


def _straight(route: Route, shown: Shown) -> list[list[float]]:
    """The stops one after the other, where there are no streets."""
    rows_ = shown.kept.plan.rows if shown.kept else ()
    found = []
    for visit in route.visits:
        id_ = rows_[visit.place] if 0 <= visit.place < len(rows_) else visit.id
        asset = shown.places.get(id_)
        if visit.kind != "break" and asset is not None and asset.place is not None:
            point = asset.place.point
            found.append([point.lon, point.lat])
    return found
