"""Any figure of the origin ledger, unfolded to the reads of registers it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import DureError, InputError, NotFound
from dure.core.text import Text
from dure.core.time import format_instant
from dure.services.charging.origin.explaining import explain
from dure.services.charging.pages.origin_words import ORIGIN_NAMES
from dure.services.charging.sessions.session_records import overlapping
from dure.web.access import require
from dure.web.layout import house_of, layout_of
from dure.web.words import Word

if TYPE_CHECKING:
    from dure.services.charging.origin.explanation import Explanation, RegisterTold, Step

HERE = "/operations/charging/explain"
AGREES = Word(Text("다시 계산해도 같음", "Run again: the same"), "success", "check", Text(""))
DIFFERS = Word(Text("다시 계산하면 다름", "Run again: it differs"), "danger", "cross", Text(""))
ROLES: dict[str, Text] = {
    "pv": Text("태양광 발전", "Solar generation"),
    "charge": Text("저장장치 충전", "Storage, taken in"),
    "discharge": Text("저장장치 방전", "Storage, given out"),
    "grid": Text("수전", "Import"),
    "export": Text("계통으로 보냄", "Export"),
    "load": Text("부지의 다른 부하", "Other load"),
    "vehicle": Text("차량이 되돌린 것", "Given back by vehicles"),
    "ev": Text("충전구", "EVSE"),
}


def routes() -> APIRouter:
    """The page of explanations."""
    router = APIRouter()
    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def page(request: Request) -> Response:
    """A figure, or the form to ask for one."""
    asked = request.query_params.get("figure", "").strip()
    found, trouble = await _explained(request, asked)
    return await layout_of(request).page(
        request,
        "charging/origin_explain.html",
        status=404 if trouble else 200,
        asked=asked,
        found=found,
        trouble=trouble,
        agrees=AGREES,
        differs=DIFFERS,
        roles=ROLES,
        origins=ORIGIN_NAMES,
        raw_path=raw_path,
        opens=_opens,
        here=HERE,
    )


async def _explained(request: Request, asked: str) -> tuple[Explanation | None, DureError | None]:
    if not asked:
        return None, None
    try:
        return await run_in_threadpool(explain, house_of(request), asked, overlapping), None
    except (NotFound, InputError) as error:
        return None, error


def raw_path(one: RegisterTold) -> str:
    """Where the reads can be downloaded as they are kept."""
    first, last = one.reads[0].at, one.reads[-1].at
    asked = {"asset": one.asset, "property": one.property, "start": format_instant(first), "end": format_instant(last)}
    return f"/api/v1/export.csv?{urlencode(asked)}"


def _opens(step: Step) -> bool:
    """Whether a part stands open: one that does not agree, so that nobody has to look for it."""
    return not step.whole
