"""Why emissions changed between two periods: activity, factor, weather and floor area, for the city or one building."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.core.text import Text
from dure.core.time import day_of
from dure.emissions.conversion import Refused
from dure.services.buildings.baselines.bridge_desk import bridge_between
from dure.services.buildings.baselines.bridging import Bridged
from dure.services.buildings.pages.bridge_chart import Step, bridge_chart
from dure.services.buildings.sites import Sites, registered
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from markupsafe import Markup

    from dure.emissions.bridge import Bridge
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/buildings/bridge"
EFFECTS: tuple[tuple[str, Text, Text], ...] = (
    ("activity_g", Text("활동", "Activity"), Text("쓰임새와 운영이 바뀐 몫", "how the buildings are used and run")),
    ("factor_g", Text("계수", "Factor"), Text("배출계수가 바뀐 몫", "other emission factors")),
    ("weather_g", Text("날씨", "Weather"), Text("더 춥거나 더웠던 몫", "a colder or hotter time")),
    ("area_g", Text("연면적", "Floor area"), Text("면적이 바뀐 몫", "more or less floor area")),
)
NOTED: dict[str, Text] = {
    "bridge.no_model": Text("모형이 없어 날씨가 활동에 섞임", "no model: its weather counts as activity"),
    "bridge.no_area": Text("연면적을 모름", "floor area not known"),
}
WHY: dict[str, Text] = {
    "bridge.period": Text(
        "두 기간은 2025-01부터 2025-06까지처럼 첫 달이 앞서고, 달 수가 같고, 너무 길지 않아야 합니다.",
        "Both periods read as from 2025-01 to 2025-06, first month first, with as many months each, and not too many.",
    ),
    "buildings.unknown": Text("그런 건물은 없습니다.", "There is no such building."),
}


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The route of the bridge."""
    router = APIRouter()
    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def page(request: Request) -> Response:
    """The bridge between two periods; without a question, of this year so far and the same months of the last."""
    house, asked = house_of(request), request.query_params
    layout = layout_of(request)
    say = layout.speech(request)
    usual = _usual(house)
    fields = {name: asked.get(name, "") or value for name, value in usual.items()}
    building = asked.get("building", "")

    def read() -> tuple[Sites, Bridged | Refused | None, str]:
        with house.records.read() as connection:
            sites = registered(connection)
            periods = ((fields["before_first"], fields["before_last"]), (fields["after_first"], fields["after_last"]))
            try:
                return sites, bridge_between(house, connection, periods, building=building), ""
            except InputError as error:
                return sites, None, say.text(WHY[error.code]) if error.code in WHY else error.message

    sites, told, trouble = await run_in_threadpool(read)
    found = told if isinstance(told, Bridged) else None
    if isinstance(told, Refused):
        trouble = say.text(told.why)
    return await layout.page(
        request,
        "buildings/bridge.html",
        status=422 if trouble and asked else 200,
        found=found,
        trouble=trouble,
        fields=fields,
        building=building,
        sites=sites,
        effects=EFFECTS,
        noted=NOTED,
        picture=_picture(found.total, say) if found else None,
    )


def _picture(total: Bridge, say: Speech) -> Markup:
    steps = [Step(say("앞 기간"), 0, total.before_g, whole=True)]
    at = total.before_g
    for name, word, _ in EFFECTS:
        steps.append(Step(say.text(word), at, at + getattr(total, name), whole=False))
        at += getattr(total, name)
    steps.append(Step(say("뒤 기간"), 0, total.after_g, whole=True))
    summary = say(
        "배출량이 {before} t에서 {after} t으로 바뀌었습니다. 표가 몫마다 적고 있습니다.",
        before=say.number(total.before_g / 1e6, 2),
        after=say.number(total.after_g / 1e6, 2),
    )
    return bridge_chart(steps, summary, say)


def _usual(house: House) -> dict[str, str]:
    """The months of this year that are over (in January: those of the last), and the same a year before."""
    today = day_of(house.clock.now(), house.city.zone)
    year, last = (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    return {
        "before_first": f"{year - 1}-01",
        "before_last": f"{year - 1}-{last:02}",
        "after_first": f"{year}-01",
        "after_last": f"{year}-{last:02}",
    }
