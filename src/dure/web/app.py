"""The web application: guard, static files, pages of the house and its services, API, and errors for people and machines."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic.warnings import UnsupportedFieldAttributeWarning
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from dure.core.errors import DureError, InputError
from dure.core.text import LANGUAGES
from dure.web import pages, sign_in
from dure.web.api import create_api
from dure.web.api.health import Doctor
from dure.web.api.sight import Sight
from dure.web.api.stream import Broadcast
from dure.web.errors import headers_of, of_http, problem, status_of
from dure.web.i18n import preferred
from dure.web.layout import Layout, https, language_of, layout_of
from dure.web.security import HEADERS, Guard
from dure.web.static_files import StaticFiles
from dure.web.words import outcome

if TYPE_CHECKING:
    from fastapi import APIRouter
    from starlette.requests import Request

    from dure.spine.house import House

log = structlog.get_logger("dure.web")

# FastAPI silences this one around each model it makes, but what it does so by is not safe beside other threads.
warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)


def create_app(house: House) -> FastAPI:
    """The application of one house."""
    app = FastAPI(title="Dure", docs_url=None, redoc_url=None, openapi_url="/api/v1/openapi.json")
    static = StaticFiles()
    app.state.house, app.state.layout, app.state.sight = house, Layout(house, static), Sight(house)
    app.state.doctor = Doctor(house, Broadcast(house.live, app.state.sight))
    app.include_router(create_api(house))
    app.add_route("/", _front_door)
    app.add_route("/static/{release}/{name:path}", _static_route(static))
    for router in _page_routers(house):
        for language in LANGUAGES:
            app.include_router(router, prefix=f"/{language}", include_in_schema=False)
    for kind, handler in ((DureError, _dure_error), (RequestValidationError, _invalid), (HTTPException, _http_error)):
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]  # Starlette types all handlers alike
    app.add_exception_handler(Exception, _unforeseen)
    app.add_middleware(Guard, api_bytes_max=house.settings.request_bytes_max, https=https(house))
    return app


def _page_routers(house: House) -> list[APIRouter]:
    services = [router for service in house.services if (router := service.pages(house)) is not None]
    return [pages.router(house), sign_in.router(house), *services]


async def _front_door(request: Request) -> Response:
    return RedirectResponse(f"/{preferred(request)}/", 303, headers={"Vary": "Accept-Language, Cookie"})


def _static_route(static: StaticFiles):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a Starlette endpoint
    async def static_file(request: Request) -> Response:
        return static.answer(request)

    return static_file


async def _dure_error(request: Request, error: DureError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.error("web.failed", code=error.code, path=request.url.path, why=error.message)
    return await _answer(request, error, status)


async def _http_error(request: Request, error: HTTPException) -> Response:
    return await _answer(request, of_http(error), error.status_code)


async def _invalid(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first.get("loc", ()))
    return await _answer(request, InputError("request.invalid", f"{where}: {first.get('msg', 'not valid')}"), 422)


async def _unforeseen(request: Request, error: Exception) -> Response:
    log.error("web.broken", path=request.url.path, exc_info=error)
    answer = await _answer(request, DureError("http.internal", "Something went wrong here. It is in the log."), 500)
    answer.headers.update(HEADERS)  # this answer is made outside the guard
    return answer


async def _answer(request: Request, error: DureError, status: int) -> Response:
    """A problem for machines, a page for people; who must sign in is led to the door."""
    path = request.url.path
    if path.split("/", 2)[1] not in LANGUAGES:
        return problem(error, status)
    if status == 401 and request.method == "GET":
        return RedirectResponse(f"/{language_of(request)}/sign-in?next={path}", 303)
    title, advice = outcome(status)
    answer = await layout_of(request).page(request, "error.html", status=status, error=error, title=title, advice=advice)
    answer.headers.update(headers_of(error))
    return answer
