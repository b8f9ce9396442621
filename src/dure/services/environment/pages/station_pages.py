"""Pages of the environment: the air and weather of the city, its stations, and one station with its history."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import may
from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import US_PER_S, day_of, to_us
from dure.services.environment.faults import findings
from dure.services.environment.faults.diagnosis_finding import EXPLANATIONS
from dure.services.environment.grades.grading import TYPES, restored
from dure.services.environment.grades.today import rules_for
from dure.services.environment.model import AIR, NOISE, WATER, WEATHER
from dure.services.environment.reasons import reasons_in_words
from dure.services.environment.watches.index_watch import is_current, results_of
from dure.web import history
from dure.web.access import actor_of
from dure.web.layout import house_of, layout_of
from dure.web.scene import scene, shown_value, visible
from dure.web.standing import Standing, is_late, standings

if TYPE_CHECKING:
    from dure.core.assets import Asset
    from dure.core.properties import Property
    from dure.services.environment.faults.findings import Finding
    from dure.services.environment.watches.index_watch import Kept
    from dure.spine.house import House

GROUPS = (("air", AIR), ("weather", WEATHER), ("noise", NOISE), ("water", WATER))
STATIONS_MAX = 200


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Readings, stations, and one station."""
    router = APIRouter()
    router.add_api_route("/environment/values", now, methods=["GET"])
    router.add_api_route("/environment/stations", stations, methods=["GET"])
    router.add_api_route("/environment/stations/{asset_id}", station, methods=["GET"])
    return router


async def now(request: Request) -> Response:
    """One property at every station, in plain words."""
    house = house_of(request)
    now_us = to_us(house.clock.now())
    at = await scene(request, everything=False)
    chosen = at.chosen
    rows = [one for one in at.found if chosen is not None and chosen.id in one.values]
    if chosen is not None:
        rows.sort(key=lambda one: _falling(shown_value(one, chosen.id, everything=False)))
    groups = [(name, [one for one in at.choices if one.id in {each.id for each in group}]) for name, group in GROUPS]
    return await layout_of(request).page(
        request,
        "environment/now.html",
        at=at,
        rows=rows,
        groups=[(name, found) for name, found in groups if found],
        shown=shown_value,
        late={one.asset.id: is_late(one.values[chosen.id], house.properties, now_us) for one in rows} if chosen else {},
        zone_name=_zone_name(request),
    )


def _falling(value: float | None) -> tuple[bool, float]:
    return (value is None, -(value or 0.0))


def _zone_name(request: Request):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a function for the template
    city, say = house_of(request).city, layout_of(request).speech(request)

    def name(asset: Asset) -> str:
        zone = city.zone_by_id(str(asset.attributes.get("zone", "")))
        return say.text(zone.name) if zone else ""

    return name


async def stations(request: Request) -> Response:
    """The list of stations: by name, zone and state."""
    at = await scene(request, everything=True)
    say, asked = layout_of(request).speech(request), request.query_params
    words, zone, status = asked.get("q", "").strip().lower()[:80], asked.get("zone", ""), asked.get("status", "")
    found = [
        one
        for one in at.found
        if (not words or words in f"{one.asset.id} {one.asset.name.ko} {one.asset.name.en}".lower())
        and (not zone or one.asset.attributes.get("zone") == zone)
        and (not status or one.status == status)
    ]
    found.sort(key=lambda one: say.sort_key(say.text(one.asset.name)))
    used = {str(one.asset.attributes.get("zone", "")) for one in at.found}
    zones = sorted(
        (one for one in house_of(request).city.zones if one.id in used), key=lambda one: say.sort_key(say.text(one.name))
    )
    return await layout_of(request).page(
        request,
        "environment/stations.html",
        found=found[:STATIONS_MAX],
        found_n=len(found),
        zones=zones,
        statuses=sorted({one.status for one in at.found}),
        asked={"q": asked.get("q", "")[:80], "zone": zone, "status": status},
        zone_name=_zone_name(request),
    )


async def station(request: Request, asset_id: str) -> Response:
    """One station: newest values with age and flag, and the history of one property."""
    house, actor, say = house_of(request), await actor_of(request), layout_of(request).speech(request)
    everything = may(actor, "read", "city_data")
    asset = (await visible(request)).get(asset_id)
    if asset is None:
        raise NotFound("asset.unknown", f"The station {asset_id[:80]!r} is not registered, or not public.")
    at = house.clock.now()
    kept, open_findings = await run_in_threadpool(_known_of, house, asset.id, at)
    (one,) = standings([asset], house.live, house.properties, to_us(at))
    measured = [known for known in house.properties if known.id in one.values]
    chosen = _chosen(measured, request.query_params.get("property", ""))
    reach = history.REACHES.get(request.query_params.get("range", ""), history.REACHES["24h"])
    past = None
    if chosen is not None:
        past = await run_in_threadpool(history.of_series, house.telemetry, (asset.id, chosen), reach, at, everything=everything)
    return await layout_of(request).page(
        request,
        "environment/station.html",
        crumbs=[("/environment/stations", say("관측소"))],
        one=one,
        everything=everything,
        measured=measured,
        chosen=chosen,
        reach=reach,
        reaches=list(history.REACHES.values()),
        past=past,
        chart_of=history.chart_of,
        shown=shown_value,
        late={known.id: is_late(one.values[known.id], house.properties, to_us(at)) for known in measured},
        zone_name=_zone_name(request),
        ages=_ages(one, to_us(at)),
        kept={each.name: restored(each.name, each.result) for each in kept if each.name in TYPES},
        rules=rules_for(house.city.folder, day_of(at, house.city.zone)),
        findings=open_findings if everything else [],
        explanations=EXPLANATIONS,
        refused=await run_in_threadpool(_refused, house, (asset.id, chosen), (past.start_us, past.end_us)) if past else [],
    )


class Refused(NamedTuple):
    """How often one check objected in the time shown, the last time it did, and what it measured then."""

    check: int
    flag: int
    n: int
    last_us: int
    value: float
    reasons: Sequence[Text]


def _known_of(house: House, asset_id: str, now: datetime) -> tuple[list[Kept], list[Finding]]:
    with house.records.read() as connection:
        kept = [one for one in results_of(connection, asset=asset_id) if is_current(one, now)]
        return kept, findings.unsettled(connection, asset=asset_id)


def _refused(house: House, series: tuple[str, Property | None], span: tuple[int, int]) -> list[Refused]:
    """Every check that objected to values of a series in an interval, the most frequent first."""
    asset, known = series
    if known is None:
        return []
    past = house.telemetry.series((asset, known.id), *span)
    found = []
    for check, flag in sorted({(int(c), int(f)) for c, f in zip(past.check, past.flag, strict=True) if f not in (1, 9)}):
        rows = np.flatnonzero((past.check == check) & (past.flag == flag))
        last_us = int(past.time_us[rows[-1]])
        observation = house.telemetry.observation((asset, known.id), last_us)
        reasons = [] if observation is None else reasons_in_words(house, observation)
        found.append(Refused(check, flag, len(rows), last_us, float(past.value[rows[-1]]), reasons))
    return sorted(found, key=lambda one: -one.n)


def _chosen(measured: list[Property], asked: str) -> Property | None:
    return next((one for one in measured if one.id == asked), measured[0] if measured else None)


def _ages(one: Standing, now_us: int) -> dict[str, timedelta]:
    return {name: timedelta(seconds=max(0, now_us - value.time_us) // US_PER_S) for name, value in one.values.items()}
