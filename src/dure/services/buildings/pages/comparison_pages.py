"""How buildings stand: the ranking by energy per floor area, with place, legal target and grade of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import ConfigError, InputError
from dure.core.time import day_of
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.compare_rules import CompareRules, compare_rules
from dure.services.buildings.comparing.comparison_desk import Asked, asked, compared, newest
from dure.services.buildings.comparing.grade import Grade
from dure.services.buildings.comparing.legal import Legal
from dure.services.buildings.comparing.peers import Place
from dure.services.buildings.comparing.spans import month_of, shifted
from dure.services.buildings.comparing.standings import Comparison, Standing, rules_day
from dure.services.buildings.filing.grade_sheet import AGAINST, LEVELS
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.sites import Sites, registered
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/buildings/comparison"
MONTHS_SHOWN = 24


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The page of comparison."""
    router = APIRouter()
    router.add_api_route(HERE, ranking, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def ranking(request: Request) -> Response:
    """All buildings, the highest energy per floor area first; below, those that cannot be compared and why."""
    house, query, say = house_of(request), request.query_params, layout_of(request).speech(request)
    usual, trouble = asked(house), ""
    try:
        question = asked(house, month_of(query["last"][:10]) if query.get("last") else "")
        whole, sites = await run_in_threadpool(_compared, house, question, given=bool(query.get("last")))
    except (InputError, ConfigError):
        trouble, question = say("달은 2026-10처럼 적어 주세요."), usual
        whole, sites = await run_in_threadpool(_compared, house, question, given=False)
    use = query.get("use", "")[:64]
    rules = compare_rules(rules_day(whole.last), house.city.folder)
    wanted = {one.id for one in sites.buildings.values() if not use or one.use == use}
    return await layout_of(request).page(
        request,
        "buildings/comparison.html",
        status=422 if trouble else 200,
        trouble=trouble,
        whole=whole,
        ranked=[one for one in whole.ranked if one.building in wanted],
        left=[one for one in whole.standings.values() if one.rank is None and one.building in wanted],
        names={one.id: one.name for one in sites.buildings.values()},
        use_of={one.id: one.use for one in sites.buildings.values()},
        rules=rules,
        use=use,
        months=[shifted(usual.last, -back) for back in range(MONTHS_SHOWN)],
        counts=grade_counts(whole, wanted, rules),
        against=AGAINST,
        levels=LEVELS,
        graded=lambda one: isinstance(one, Grade),
        placed=lambda one: isinstance(one, Place),
        lawful=lambda one: isinstance(one, Legal),
        why=lambda one: why_left(one, say),
    )


def _compared(house: House, question: Asked, *, given: bool) -> tuple[Comparison, Sites]:
    with house.records.read() as connection:
        question = question if given else newest(house, connection, question)
        sites = registered(connection)
        today = day_of(house.clock.now(), house.city.zone)
        return compared(house.city.folder, connection, question, today, sites), sites


def grade_counts(whole: Comparison, wanted: set[str], rules: CompareRules) -> dict[str, int]:
    """How many buildings have which grade."""
    found = {row.id: 0 for row in rules.grades}
    for one in whole.standings.values():
        if one.building in wanted and isinstance(one.grade, Grade):
            found[one.grade.letter] += 1
    return found


def why_left(one: Standing, say: Speech) -> str:
    """Why a building is not compared."""
    if isinstance(one.eui, Refused):
        return say.text(one.eui.why)
    short: dict[str, list[str]] = {}
    for each in one.eui.short:
        short.setdefault(each.fuel, []).append(each.month)
    names: dict[str, str] = {fuel: say.text(supply.name) for fuel, supply in SUPPLIES.items()}
    parts = [f"{names.get(fuel, fuel)}: {', '.join(months)}" for fuel, months in short.items()]
    parts += [say("{fuel}의 열량을 모름", fuel=names.get(fuel, fuel)) for fuel in one.eui.unknown]
    return "; ".join(parts)
