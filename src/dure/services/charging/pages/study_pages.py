"""Sizing studies, and which forecast each site uses: lists, the form, and the answer with its chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.charging.pages.study_chart import study_chart
from dure.services.charging.planning import backtest_records
from dure.services.charging.planning.backtest_records import Backtest
from dure.services.charging.planning.forecast_rules import forecast_rules
from dure.services.charging.planning.plan_words import RECIPES
from dure.services.charging.sites import registered
from dure.services.charging.sizing import study_records
from dure.services.charging.sizing.asking import sizes_of, stays_of_file
from dure.services.charging.sizing.model import CARS_MAX, Asked, Point, Source, State, Study
from dure.services.charging.sizing.sizing_rules import SizingRules, sizing_rules
from dure.services.charging.sizing.study_desk import ask
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form_with_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dure.services.charging.model import Site
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/charging/studies"
CSV_BYTES_MAX = 2_000_000
SOURCES: dict[Source, Text] = {
    "site": Text("충전소의 지난 충전", "The site's own sessions"),
    "scenario": Text("가상 운전자", "Made drivers"),
    "file": Text("올린 충전 기록 파일", "An uploaded file of sessions"),
}
STATES: dict[State, tuple[str, str, Text]] = {
    "running": ("gray", "clock", Text("계산 중", "Being worked out")),
    "done": ("success", "check", Text("끝남", "Done")),
    "failed": ("danger", "cross", Text("실패", "Failed")),
}
WHY: dict[str, Text] = {
    "charging.study_site": Text("충전소를 골라 주세요.", "Choose a charging site."),
    "charging.study_sizes": Text(
        "크기는 쉼표로 나눈 숫자입니다. 태양광과 저장장치는 0 이상, 계약전력은 1 이상입니다.",
        "Sizes are numbers parted by commas: 0 or more for sun and storage, 1 or more for the contract.",
    ),
    "charging.study_points": Text("조합이 너무 많습니다. 크기를 줄여 주세요.", "Too many combinations. Give fewer sizes."),
    "charging.study_scenario": Text("상황과 하루 차량 수를 골라 주세요.", "Choose a scenario and the cars of a day."),
    "charging.study_file": Text(
        "쓸 수 있는 충전 기록이 20건 이상 있는 CSV 파일을 올려 주세요.", "Upload a CSV file with 20 usable sessions or more."
    ),
    "charging.study_columns": Text(
        "파일에 arrival, departure, energy_kwh 열이 있어야 합니다.", "The file needs the columns arrival, departure, energy_kwh."
    ),
    "charging.study_empty": Text("살펴본 기간에 충전이 없습니다.", "No session lies in the days that were rehearsed."),
    "own_sun": Text("이 충전소 발전기의 계량값", "Metered at the site's own generator"),
    "made_sun": Text("위도와 평균 맑기로 지어낸 하늘 (확인 필요)", "A made sky by latitude and mean clearness (to be confirmed)"),
    "tariff.unknown": Text("충전소의 전기요금을 찾을 수 없습니다.", "The site's tariff is not known."),
}
FIGURES: dict[str, Text] = {
    "solar_won_kw": Text("태양광 설비비", "Cost of solar"),
    "storage_won_kwh": Text("저장장치 설비비", "Cost of storage"),
    "solar_years": Text("태양광을 쓰는 햇수", "Years solar is used"),
    "storage_years": Text("저장장치를 쓰는 햇수", "Years storage is used"),
    "interest": Text("할인율", "Discount rate"),
    "upkeep_fraction": Text("유지비 (설비비 가운데)", "Upkeep, of the cost"),
    "storage_hours": Text("저장장치를 다 채우는 시간", "Hours to fill the storage"),
    "lead_d": Text("미리 배우는 날", "Days to learn from"),
    "days": Text("돌려 보는 날", "Days that are rehearsed"),
    "clearness_mean": Text("하늘의 평균 맑기", "Mean clearness of the sky"),
    "performance": Text("태양광 성능비", "Performance ratio of solar"),
}
UNITS: dict[str, Text] = {
    "won/kW": Text("원/kW", "won/kW"),
    "won/kWh": Text("원/kWh", "won/kWh"),
    "a": Text("년", "years"),
    "h": Text("시간", "hours"),
    "d": Text("일", "days"),
}
USUAL = {"source": "scenario", "scenario": "workplace", "cars": "30", "solar_kw": "0, 50, 100", "storage_kwh": "0, 100, 200"}


class Shown(NamedTuple):
    """Points of one contract, their chart, and the cheapest that suffices."""

    contract_kw: float
    points: list[Point]
    chart: Markup
    best: Point | None


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of studies."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(HERE, enter, methods=["POST"])
    router.add_api_route(HERE + "/{study}", one, methods=["GET"], dependencies=sees)
    return router


async def listing(request: Request, trouble: str = "", status: int = 200, given: dict[str, str] | None = None) -> Response:
    """All studies, the form for another, and the forecast each site uses."""
    house = house_of(request)

    def read() -> tuple[list[Study], Mapping[str, Site], dict[str, list[Backtest]]]:
        with house.records.read() as connection:
            sites = registered(connection).sites
            tried = {key: backtest_records.latest(connection, key) for key in sorted(sites)}
            return study_records.listing(connection), sites, tried

    studies, sites, tried = await run_in_threadpool(read)
    contract = round(max((one.contract_w for one in sites.values()), default=100_000.0) / 1_000)
    return await layout_of(request).page(
        request,
        "charging/studies.html",
        status=status,
        studies=studies,
        sites=sites,
        tried=tried,
        sources=SOURCES,
        states=STATES,
        recipes=RECIPES,
        rules=_rules(house),
        given=USUAL | {"contract_kw": str(contract)} | (given or {}),
        trouble=trouble,
        cars_max=CARS_MAX,
        least_d=forecast_rules(house.clock.now().astimezone(house.city.zone).date(), house.city.folder).least_d,
    )


async def one(request: Request, study: str) -> Response:
    """A study: possible beside reached, by size."""
    house, say = house_of(request), layout_of(request).speech(request)

    def read() -> tuple[Study, Mapping[str, Site]]:
        with house.records.read() as connection:
            return study_records.get(connection, study[:80]), registered(connection).sites

    found, sites = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "charging/study.html",
        crumbs=[(HERE, say("설비 규모 검토"))],
        study=found,
        site=sites.get(found.site),
        shown=_shown(found, say),
        sources=SOURCES,
        states=STATES,
        why=WHY,
        rules=_rules(house),
        figures=FIGURES,
        units=UNITS,
    )


async def enter(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """Ask for a study."""
    house, say = house_of(request), layout_of(request).speech(request)
    fields, data = await own_form_with_file(request, "file", CSV_BYTES_MAX)
    by = By(actor.id, house.clock.now())
    try:
        made = await run_in_threadpool(lambda: ask(house, fields.get("name", ""), _asked(fields, data), by))
    except InputError as error:
        words = say.text(WHY[error.code]) if error.code in WHY else error.message
        return await listing(request, words, 422, fields)
    return RedirectResponse(f"/{language_of(request)}{HERE}/{made.id}", 303)


def _asked(fields: dict[str, str], data: bytes) -> Asked:
    source: Source = next((one for one in SOURCES if one == fields.get("source")), "site")
    stays = stays_of_file(data.decode("utf-8-sig", "replace"))[0] if source == "file" else ()
    cars = fields.get("cars", "").strip()
    return Asked(
        site=fields.get("site", "")[:200],
        source=source,
        solar_kw=sizes_of(fields.get("solar_kw", "")),
        storage_kwh=sizes_of(fields.get("storage_kwh", "")),
        contract_kw=sizes_of(fields.get("contract_kw", "")),
        scenario=fields.get("scenario", "")[:50] if source == "scenario" else "",
        cars=int(cars) if source == "scenario" and cars.isascii() and cars.isdigit() else 0,
        stays=tuple(stays),
    )


def _rules(house: House) -> SizingRules:
    return sizing_rules(house.clock.now().astimezone(house.city.zone).date(), house.city.folder)


def _shown(study: Study, say: Speech) -> list[Shown]:
    if study.answer is None:
        return []
    found = []
    for contract in study.asked.contract_kw:
        points = [one for one in study.answer.points if one.contract_kw == contract]
        fit = [one for one in points if one.sufficient]
        best = min(fit, key=lambda one: one.reached_won) if fit else None
        words = say("계약전력 {n} kW에서 저장장치 크기에 따른 한 해 비용", n=say.number(contract))
        found.append(Shown(contract, points, study_chart(points, words, say), best))
    return found
