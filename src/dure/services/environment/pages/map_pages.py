"""Pages of the maps: the operations centre's live map of the air and weather, and the public's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.access import may
from dure.core.text import Text
from dure.services.environment.alerting import alert_records
from dure.services.environment.api.surface_api import MapForm, map_form
from dure.services.environment.maps.atlas import atlas_of, sheet_for
from dure.web.access import actor_of, require
from dure.web.i18n import Speech
from dure.web.layout import house_of, layout_of
from dure.web.scene import Scene, scene, shown_value
from dure.web.standing import counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.core.properties import Property
    from dure.services.environment.maps.surface_classes import Band
    from dure.spine.house import House
    from dure.web.standing import Standing

COLOURS = 7  # classes of the palette in dure.css

# Why the usual variogram, or none, stands in for a fitted one; for people.
REASONS: dict[str, Text] = {
    "too_few_stations": Text(
        "측정소가 적어 흔한 거리 관계를 썼습니다.", "Few stations: the usual relation to distance was used."
    ),
    "too_few_times": Text(
        "쌓인 시간이 적어 흔한 거리 관계를 썼습니다.", "Little history: the usual relation to distance was used."
    ),
    "too_few_pairs": Text("견줄 짝이 적어 흔한 거리 관계를 썼습니다.", "Few pairs: the usual relation to distance was used."),
    "no_variation": Text("모든 측정소의 값이 같습니다.", "Every station says the same."),
    "no_structure": Text(
        "가까운 곳끼리도 닮지 않아 측정소 사이를 믿을 수 없습니다.",
        "Near stations are no more alike than far ones: nothing in between is to be believed.",
    ),
    "range_at_bound": Text(
        "값이 도시 끝까지 한 방향으로 계속 달라집니다.", "The values keep changing from one end of the city to the other."
    ),
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # every service's pages are made alike
    """Routes of the map pages."""
    router = APIRouter()
    router.add_api_route("/environment/map", public, methods=["GET"])
    gate = [Depends(require("read", "city_data"))]
    router.add_api_route("/operations/environment", operations, methods=["GET"], dependencies=gate)
    return router


async def operations(request: Request) -> Response:
    """The live map of the operations centre."""
    at, values = await _values(request, everything=True)
    standing = counts(at.found)
    return await layout_of(request).page(
        request,
        "environment/operations_map.html",
        alerts=await run_in_threadpool(_open_alerts, house_of(request)),
        troubled=standing["failing"] + standing["silent"],
        **values,
    )


async def public(request: Request) -> Response:
    """The same map for everyone."""
    _, values = await _values(request, everything=False)
    return await layout_of(request).page(request, "environment/public_map.html", **values)


def _open_alerts(house: House) -> int:
    with house.records.read() as connection:
        return sum(alert_records.counts(connection).values())


async def _values(request: Request, *, everything: bool) -> tuple[Scene, dict[str, Any]]:
    """What both pages show."""
    house, say = house_of(request), layout_of(request).speech(request)
    at = await scene(request, everything=everything)
    mapped = atlas_of(request).rules().mapped
    order = list(mapped)
    choices = sorted((one for one in at.choices if one.id in mapped), key=lambda one: order.index(one.id))
    asked = request.query_params.get("property", "")
    chosen = next((one for one in choices if one.id == asked), choices[0] if choices else None)
    at = at._replace(choices=choices, chosen=chosen)
    form = None
    if chosen is not None:
        staff = everything and may(await actor_of(request), "read", "city_data")
        form = map_form(house, await sheet_for(request, chosen), everything=staff)
    return at, {
        "at": at,
        "form": form,
        "rows": _worst_first(at),
        "legend": _legend(form.classes, chosen, say) if form and chosen else [],
        "sd_legend": _legend(form.sd_classes, chosen, say, finer=1) if form and chosen else [],
        "reasons": [REASONS[code] for code in form.fit.reasons] if form and form.fit else [],
        "unreliable_share": _unreliable(form),
        "shown": shown_value,
        "surface_words": _words(say),
    }


def _worst_first(at: Scene) -> list[Standing]:
    """Stations with the property, highest value first; those without a value last."""
    if at.chosen is None:
        return []
    name = at.chosen.id
    rows = [one for one in at.found if name in one.values]
    return sorted(rows, key=lambda one: -_or_least(shown_value(one, name, everything=at.everything)))


def _or_least(value: float | None) -> float:
    return float("-inf") if value is None else value


def _unreliable(form: MapForm | None) -> float | None:
    """Share of the city's cells that are not to be believed."""
    if form is None or form.map is None or not form.zones:
        return None
    cells = sum(one.cells for one in form.zones)
    return 1 - sum(one.reliable_share * one.cells for one in form.zones) / cells


def colour_of(number: int, classes: int) -> int:
    """The colour of a class, 0 palest: the palette is spread over the classes. `surface.mjs` does the same."""
    return COLOURS // 2 if classes < 2 else int(number * (COLOURS - 1) / (classes - 1) + 0.5)


def _legend(bands: Sequence[Band], known: Property, say: Speech, finer: int = 0) -> list[dict[str, Any]]:
    """The classes as a legend shows them: colour, numbers, grade."""
    return [
        {
            "colour": colour_of(number, len(bands)),
            "numbers": _numbers(band, known.decimals + finer, say),
            "grade": say.text(band.grade) if band.grade else "",
        }
        for number, band in enumerate(bands)
    ]


def _numbers(band: Band, decimals: int, say: Speech) -> str:
    low, high = say.number(band.low, decimals), say.number(band.high, decimals)
    if band.low is None and band.high is None:
        return say("모두 비슷함")
    if band.low is None:
        return say("{n} 미만", n=high)
    return say("{n} 이상", n=low) if band.high is None else say("{low}~{high}", low=low, high=high)


def _words(say: Speech) -> dict[str, str]:
    """What the script writes, so that it says the same in either language; `{n}` is filled there."""
    return {
        "below": say("{n} 미만", n="{n}"),
        "from": say("{n} 이상", n="{n}"),
        "between": say("{low}~{high}", low="{low}", high="{high}"),
        "same": say("모두 비슷함"),
        "here": say("이곳 추정값"),
        "doubtful": say("측정소가 멀어 믿기 어려운 곳"),
    }
