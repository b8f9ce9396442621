"""A report on the screen and in print: the same content as its PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import InputError
from dure.emissions.conversion import Refused
from dure.services.buildings.comparing.comparison_desk import asked, newest
from dure.services.buildings.comparing.normal_weather import Normal, normal_intensity
from dure.services.buildings.comparing.targets import PORTFOLIO
from dure.services.buildings.factors.carbon import PROGRAMME
from dure.services.buildings.filing import filing_desk
from dure.services.buildings.filing.question import Question
from dure.services.buildings.filing.reports import report
from dure.web.access import require
from dure.web.api.queries import instant
from dure.web.layout import house_of, language_of, layout_of

if TYPE_CHECKING:
    from dure.services.buildings.filing.dossier import Dossier
    from dure.services.buildings.filing.report_model import Report
    from dure.spine.house import House

HERE = "/operations/buildings/report"


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The page of a report."""
    router = APIRouter()
    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def page(request: Request) -> Response:
    """The report of a building, a body or all, of a year or of the twelve months that end with a month."""
    house, query = house_of(request), request.query_params
    latest = filing_desk.latest(house)
    period = query.get("period", "")[:7] or await run_in_threadpool(_newest, house)
    question = Question(
        kind="report",
        subject=query.get("subject", PORTFOLIO)[:200],
        period=period,
        as_of=instant(query["as_of"][:40], "as_of") if query.get("as_of") else latest,
        programme=query.get("programme", PROGRAMME)[:40],
        language=language_of(request),
    )
    dossier, found = await run_in_threadpool(filing_desk.looked_at, house, question)
    if any(one.tone == "stop" for one in found):
        raise InputError(found[0].code, found[0].words(question.language))
    made: Report = await run_in_threadpool(report, dossier)
    normal = None
    if question.subject.startswith("building:") and not query.get("as_of"):
        normal = await run_in_threadpool(_normal, house, dossier)
    same = {
        "subject": question.subject, "period": question.period, "programme": question.programme, "language": question.language,
        "as_of": question.as_of.isoformat(),
    }  # fmt: skip
    return await layout_of(request).page(
        request,
        "buildings/report.html",
        report=made,
        checks=found,
        normal=normal,
        normal_known=isinstance(normal, Normal),
        pdf=f"/api/v1/buildings/report.pdf?{urlencode(same)}",
        drawn=lambda picture: Markup(picture.svg),  # noqa: S704  # our own shapes, texts escaped
    )


def _normal(house: House, dossier: Dossier) -> Normal | Refused | None:
    """The building's intensity in normal weather, as models say today; None where it has no intensity."""
    found = dossier.compared().standings[dossier.chosen[0].id].eui
    if isinstance(found, Refused):
        return None
    with house.records.read() as connection:
        return normal_intensity(house, connection, dossier.sites, found)


def _newest(house: House) -> str:
    with house.records.read() as connection:
        return newest(house, connection, asked(house)).last
