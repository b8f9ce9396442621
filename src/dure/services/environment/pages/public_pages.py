"""Air and water in plain language: may my child play outside, and why; and what is hidden, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.geo import Point
from dure.core.observations import Flag
from dure.core.time import US_PER_S, day_of, to_us
from dure.services.environment.alerting import alert_records, alert_rounds
from dure.services.environment.alerting.alert_words import at_level
from dure.services.environment.grades.today import rules_for, today
from dure.services.environment.watches.index_watch import is_current, results_of
from dure.web.layout import house_of, layout_of
from dure.web.scene import visible
from dure.web.standing import standings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dure.city import Zone
    from dure.core.assets import Asset
    from dure.core.text import Text
    from dure.services.environment.alerting.alert_model import Alert
    from dure.services.environment.watches.index_watch import Kept
    from dure.spine.house import House
    from dure.web.standing import Standing

HIDDEN_BACK_S = 3 * 3600
HIDDEN_MAX = 12


class Hidden(NamedTuple):
    """Newest values of a station that are not shown, and the check that decided it."""

    asset: Asset
    check: int
    properties: list[str]


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The public page."""
    router = APIRouter()
    router.add_api_route("/environment", page, methods=["GET"])
    return router


async def page(request: Request) -> Response:
    """Air and water today, for the city or for one of its zones."""
    house, say = house_of(request), layout_of(request).speech(request)
    now = house.clock.now()
    public = {name: one for name, one in (await visible(request)).items() if one.state == "live"}
    zone = house.city.zone_by_id(request.query_params.get("zone", "")[:64])
    rules = rules_for(house.city.folder, day_of(now, house.city.zone))
    kept, alerts = await run_in_threadpool(_read, house, now)
    at = today(rules, kept, public, middle_of(zone))
    found = standings(public.values(), house.live, house.properties, to_us(now))
    hidden = hidden_values(found, to_us(now) - HIDDEN_BACK_S * US_PER_S)[:HIDDEN_MAX]
    zones = sorted(house.city.zones, key=lambda one: say.sort_key(say.text(one.name)))
    return await layout_of(request).page(
        request,
        "environment/today.html",
        at=at,
        hidden=hidden,
        rules=rules,
        zone=zone,
        zones=zones,
        alerts=told_alerts(house, alerts),
        properties=house.properties,
    )


def hidden_values(found: Sequence[Standing], since_us: int) -> list[Hidden]:
    """Newest values of public stations that failed a check: what a citizen does not see, and why."""
    grouped: dict[tuple[str, int], Hidden] = {}
    for one in found:
        for name, value in sorted(one.values.items()):
            if value.flag == Flag.FAIL and value.time_us > since_us:
                grouped.setdefault((one.asset.id, value.check), Hidden(one.asset, value.check, [])).properties.append(name)
    return list(grouped.values())


class Told(NamedTuple):
    """An open alert as a citizen reads it: where and since when, its sentence, and the name and tone of its level."""

    alert: Alert
    sentence: Text
    level: Text
    tone: str


def told_alerts(house: House, alerts: Sequence[Alert]) -> list[Told]:
    """Open alerts that citizens may see; one whose rule is out of force says nothing."""
    rules = alert_rounds.rules_now(house, house.clock.now())
    return [
        Told(
            one,
            at_level(rules[one.rule], one.level),
            rules[one.rule].name_of(one.level),
            "warning" if one.level == 1 else "danger",
        )
        for one in alerts
        if one.facts.public and one.rule in rules
    ]


def _read(house: House, now: datetime) -> tuple[list[Kept], list[Alert]]:
    with house.records.read() as connection:
        return [one for one in results_of(connection) if is_current(one, now)], alert_records.open_alerts(connection)


def middle_of(zone: Zone | None) -> Point | None:
    """The middle of a zone's box."""
    if zone is None:
        return None
    west, south, east, north = zone.place.bounds
    return Point((west + east) / 2, (south + north) / 2)
