"""For everyone: the city now, help, data and API, licences, and the switch for contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response

from dure.core.properties import Property
from dure.web.layout import house_of, https, language_of, layout_of
from dure.web.scene import map_data, median, scene, shown_value
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.spine.house import House
    from dure.web.scene import Scene

FIGURES_MAX = 6
YEAR_S = 31_536_000
# What citizens ask for first; what the city does not measure is left out.
FIRST = ("pm2_5", "pm10", "o3", "air_temperature", "relative_humidity", "noise_leq", "wind_speed", "precipitation")


def router(house: House) -> APIRouter:
    """Routes for everyone."""
    routes = APIRouter()
    for path, endpoint in (
        ("/", front),
        ("/map.json", public_map),
        ("/help", help_page),
        ("/data", data_page),
        ("/licences", licences),
    ):
        routes.add_api_route(path, endpoint, methods=["GET"])
    routes.add_api_route("/contrast", contrast, methods=["POST"])
    if house.city.folder.joinpath("map.pmtiles").exists():
        routes.add_api_route("/map.pmtiles", tiles, methods=["GET"])
    return routes


async def front(request: Request) -> Response:
    """The city now: figures, map and table."""
    at = await scene(request, everything=False)
    return await layout_of(request).page(request, "front.html", at=at, figures=city_figures(at), shown=shown_value)


async def public_map(request: Request) -> Response:
    """What the public map shows, as GeoJSON."""
    at = await scene(request, everything=False)
    say = layout_of(request).speech(request)
    return JSONResponse(map_data(house_of(request), at, say, f"/{say.language}"), headers={"Cache-Control": "no-store"})


def city_figures(at: Scene) -> list[tuple[Property, float | None, int]]:
    """The middle of the city's values of what people ask for first: property, median, number of stations."""
    known = {one.id: one for one in at.choices}
    order = [name for name in FIRST if name in known] + [name for name in known if name not in FIRST]
    rows: list[tuple[Property, float | None, int]] = []
    for name in order[:FIGURES_MAX]:
        values = [value for one in at.found if (value := shown_value(one, name, everything=False)) is not None]
        rows.append((known[name], median(values), len(values)))
    return rows


async def help_page(request: Request) -> Response:
    """How to read the pages and how to send a first reading."""
    house = house_of(request)
    address = house.settings.public_url or str(request.base_url).rstrip("/")
    return await layout_of(request).page(request, "help.html", address=address, mqtt_port=house.settings.mqtt_port)


async def data_page(request: Request) -> Response:
    """What can be downloaded and asked, and how."""
    house = house_of(request)
    address = house.settings.public_url or str(request.base_url).rstrip("/")
    return await layout_of(request).page(request, "data.html", address=address, properties=list(house.properties))


async def licences(request: Request) -> Response:
    """Whose fonts and programs the pages use."""
    return await layout_of(request).page(request, "licences.html")


async def contrast(request: Request) -> Response:
    """Switch high contrast on or off and come back."""
    fields = await own_form(request)
    back = fields.get("back", "/")
    inside = back.startswith("/") and not back.startswith("//") and "\\" not in back and back.isprintable()
    answer = RedirectResponse(f"/{language_of(request)}{back if inside else '/'}", 303)
    on = request.cookies.get("dure_contrast") == "high"
    house: Any = house_of(request)
    answer.set_cookie("dure_contrast", "" if on else "high", max_age=0 if on else YEAR_S, samesite="lax", secure=https(house))
    return answer


async def tiles(request: Request) -> Response:
    """The city's own map tiles, in ranges."""
    return FileResponse(house_of(request).city.folder / "map.pmtiles", media_type="application/octet-stream")
