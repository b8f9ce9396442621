"""For staff: the energy picture of every site. What flows now, today and this month; storage, contract, health of its meters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.text import Text
from dure.core.time import Interval, day_interval, day_of, to_us
from dure.engines.records import assets
from dure.services.charging.pages.charging_views import quarter, site_in, view_now
from dure.services.charging.pages.site_charts import hours_chart
from dure.services.charging.pages.state_words import STATE_WORDS, flow_diagram
from dure.services.charging.publishing.day_energy import SiteEnergy, energy_of
from dure.services.charging.publishing.flows import from_source, to_sink
from dure.services.charging.publishing.standing import counted
from dure.web.access import require
from dure.web.layout import house_of, layout_of
from dure.web.sankey import sankey
from dure.web.standing import is_late

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.services.charging.publishing.flows import Flows
    from dure.services.charging.publishing.standing import SiteStanding
    from dure.spine.house import House
    from dure.spine.live import LiveValue
    from dure.web.bar_charts import BarChart
    from dure.web.i18n import Speech

HERE = "/operations/charging/sites"
SPANS: dict[str, Text] = {"now": Text("지금", "Now"), "today": Text("오늘", "Today"), "month": Text("이번 달", "This month")}
METERED: dict[str, tuple[str, ...]] = {
    "evse": ("evse_register", "evse_power"),
    "pv": ("solar_register", "solar_power"),
    "ess": ("storage_charge_register", "storage_discharge_register", "storage_soc", "storage_power"),
    "grid_meter": ("grid_import_register", "grid_power"),
}


class Health(NamedTuple):
    """A series of a meter: its newest value, and whether it is late; None: it never sent one."""

    asset: str
    kind: str
    property: str
    value: LiveValue | None
    late: bool


class Gauges(NamedTuple):
    """The few numbers of a site that its list shows; None where no fresh value is known [W, 0..1]."""

    standing: SiteStanding
    grid_w: float | None
    pv_w: float | None
    ev_w: float
    soc: float | None
    counts: dict[Any, int]
    late_n: int


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of the energy of sites."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{site_id}}", one, methods=["GET"], dependencies=sees)
    return router


async def listing(request: Request) -> Response:
    """All sites with their few numbers; what needs a person first."""
    house, say = house_of(request), layout_of(request).speech(request)
    view = await view_now(house)
    found = [gauges(house, one) for one in view.standing.values()]
    found.sort(key=lambda one: (not (one.late_n or one.counts.get("faulted")), say.sort_key(say.text(one.standing.site.name))))
    return await layout_of(request).page(
        request, "charging/sites.html", found=found, states=STATE_WORDS, rejected=view.sites.rejected
    )


async def one(request: Request, site_id: str) -> Response:
    """One site: flows, hours of the day, storage, contract, meters."""
    house, say = house_of(request), layout_of(request).speech(request)
    standing = site_in(await view_now(house), site_id)
    asked = request.query_params.get("span", "")
    span = asked if asked in SPANS else _telling(standing.flows)
    day = day_of(house.clock.now(), house.city.zone)
    today = day_interval(day, house.city.zone)
    energy = await run_in_threadpool(_energy, house, standing.site, today)
    month = None
    if span == "month":
        first = day_interval(day.replace(day=1), house.city.zone).start
        month = await run_in_threadpool(_energy, house, standing.site, Interval(first, today.end))
    per, unit = (1_000.0, "kW") if span == "now" else (1_000.0, "kWh")
    meters = health(house, standing.site)
    heard = [each for each in meters if each.kind != "evse" or each.value is not None]
    links = {"now": standing.flows, "today": energy.total, "month": month.total if month else {}}[span]
    return await layout_of(request).page(
        request,
        "charging/site.html",
        crumbs=[(HERE, say("에너지 흐름"))],
        one=standing,
        gauges=gauges(house, standing),
        span=span,
        spans=SPANS,
        diagram=flow_diagram(links, say, title=say("전력 흐름"), unit=unit, per=per),
        sankey=sankey,
        hours=_hours(energy, today, standing.site, say),
        taken_wh=to_sink(energy.total, "ev"),
        made_wh=from_source(energy.total, "pv"),
        health=heard,
        names=await run_in_threadpool(_names, house, standing.site),
        unheard_n=len({each.asset for each in meters} - {each.asset for each in heard}),
        properties=house.properties,
        states=STATE_WORDS,
    )


def _names(house: House, site: Site) -> dict[str, Text]:
    """Names of everything at a site that is metered, by asset id; blocks."""
    wanted = [*(one.id for one in site.solar), *(one.id for one in site.storage), *([site.meter] if site.meter else [])]
    with house.records.read() as connection:
        found = assets.find(connection, wanted)
    return {one: found[one].name for one in wanted if one in found} | {one.id: one.name for one in site.evses}


def _telling(flows: Flows) -> str:
    """The span shown unasked: now, while more flows than one thing into another; at a quiet hour the day tells more."""
    return "now" if len(flows) > 1 else "today"


def _energy(house: House, site: Site, span: Interval) -> SiteEnergy:
    until = min(span.end, quarter(house.clock.now()))
    return energy_of(house, site, Interval(span.start, max(until, span.start)))


def _hours(energy: SiteEnergy, today: Interval, site: Site, say: Speech) -> BarChart:
    return hours_chart(energy, today, say, limit_kw=site.contract_w / 1_000)


def gauges(house: House, standing: SiteStanding) -> Gauges:
    """The few numbers of a site."""
    site, now_us = standing.site, to_us(house.clock.now())

    def fresh(asset: str, name: str) -> float | None:
        value = house.live.get(asset, name)
        return value.value if value and value.is_usable() and not is_late(value, house.properties, now_us) else None

    socs = [soc for one in site.storage if (soc := fresh(one.id, "storage_soc")) is not None]
    pvs = [power for one in site.solar if (power := fresh(one.id, "solar_power")) is not None]
    return Gauges(
        standing=standing,
        grid_w=fresh(site.meter, "grid_power") if site.meter else None,
        pv_w=sum(pvs) if pvs else None,
        ev_w=sum(one.power_w or 0.0 for one in standing.evses),
        soc=sum(socs) / len(socs) if socs else None,
        counts=counted(standing.evses),
        late_n=sum(one.late for one in health(house, site) if one.kind != "evse"),
    )


def health(house: House, site: Site) -> list[Health]:
    """Every series that a meter of the site should send, those that are late first."""
    now_us = to_us(house.clock.now())
    meters = [
        *((one.id, "pv") for one in site.solar),
        *((one.id, "ess") for one in site.storage),
        *([(site.meter, "grid_meter")] if site.meter else []),
        *((one.id, "evse") for one in site.evses),
    ]
    found = []
    for asset, kind in meters:
        for name in METERED[kind]:
            value = house.live.get(asset, name)
            late = value is None or is_late(value, house.properties, now_us)
            found.append(Health(asset, kind, name, value, late))
    return sorted(found, key=lambda each: (not each.late or each.kind == "evse", each.asset))
