"""Any figure, unfolded to the readings it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import DureError, InputError, NotFound
from dure.core.text import Text
from dure.core.time import format_instant, parse_instant
from dure.services.buildings.explaining.explain import explain
from dure.services.buildings.explaining.sources import Register, books_of
from dure.web.access import require
from dure.web.layout import house_of, layout_of
from dure.web.words import Word

if TYPE_CHECKING:
    from dure.services.buildings.explaining.explanation import Explanation, Readings, Step, Value
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/buildings/explain"
NONE = Text("")
MARKS: dict[str, Word] = {
    "verified source": Word(Text("원문 확인", "Verified source"), "success", "check", NONE),
    "secondary source": Word(Text("2차 자료", "Secondary source"), "information", "diamond", NONE),
    "to be confirmed": Word(Text("확인 필요", "To be confirmed"), "warning", "triangle", NONE),
    "own choice": Word(Text("자체 기준", "Own choice"), "gray", "dash", NONE),
}
AGREES = Word(Text("다시 계산해도 같음", "Run again: the same"), "success", "check", NONE)
DIFFERS = Word(Text("다시 계산하면 다름", "Run again: it differs"), "danger", "cross", NONE)
# A book unit and how people read it: divided by, unit, decimals.
PLAIN: dict[str, tuple[float, str, int]] = {
    "Wh": (1_000, "kWh", 1),
    "gCO2e": (1_000, "kg CO2e", 1),
    "kJ": (1_000, "MJ", 1),
    "L": (1_000, "m³", 2),
    "g": (1_000, "kg", 2),
}
UNITS: dict[str, Text] = {"won": Text("원", "won"), "kWh/m2": Text("kWh/m²", "kWh/m²"), "m2": Text("m²", "m²")}


class Shown(NamedTuple):
    """A value as it is read, and exactly as it is booked."""

    plain: str
    exact: str


def shown(value: Value, unit: str, say: Speech) -> Shown:
    """A value with its unit for people; in book units beside it where they differ."""
    words = UNITS.get(unit, Text(unit, unit))(say.language)
    if value is None:
        return Shown("–", "")
    if isinstance(value, str):
        return Shown(value, "")
    exact = f"{say.number(value, 0 if isinstance(value, int) else 3)} {words}".strip()
    scale = PLAIN.get(unit)
    if scale is None or abs(value) < scale[0]:
        return Shown(exact, "")
    return Shown(f"{say.number(value / scale[0], scale[2])} {scale[1]}", exact)


def raw_path(one: Readings) -> str:
    """Where the readings can be downloaded as they are kept."""
    asked = {"asset": one.asset, "property": one.property, "start": format_instant(one.start), "end": format_instant(one.end)}
    return f"/api/v1/export.csv?{urlencode(asked)}"


def routes(house: House) -> APIRouter:
    """Routes of explanations."""
    router = APIRouter()
    register = Register(house)

    async def page(request: Request) -> Response:
        """A figure, or the form to ask for one."""
        asked, as_of = (request.query_params.get(name, "").strip() for name in ("figure", "as_of"))
        found, trouble = await _explained(request, register, asked, as_of)
        return await layout_of(request).page(
            request,
            "buildings/explain.html",
            status=404 if trouble else 200,
            asked=asked,
            as_of=as_of,
            found=found,
            trouble=trouble,
            marks=MARKS,
            agrees=AGREES,
            differs=DIFFERS,
            shown=shown,
            raw_path=raw_path,
            opens=_opens,
        )

    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def _explained(request: Request, register: Register, asked: str, as_of: str) -> tuple[Explanation | None, DureError | None]:
    if not asked:
        return None, None
    try:
        at = parse_instant(as_of, house_of(request).city.zone) if as_of else None
        return await run_in_threadpool(explain, books_of(house_of(request), register), asked, at), None
    except (NotFound, InputError) as error:
        return None, error


def _opens(step: Step) -> bool:
    """Whether a part stands open: one that does not agree, so that nobody has to look for it."""
    return not step.whole
