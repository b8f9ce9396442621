"""Any figure of the carbon service, worked out again and unfolded to what it rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import DureError, InputError, NotFound
from dure.core.text import Text
from dure.services.carbon.claiming.explaining import explain
from dure.services.carbon.pages import claim_names, figure_paths
from dure.web.access import require
from dure.web.layout import house_of, layout_of
from dure.web.words import Word

if TYPE_CHECKING:
    from dure.services.carbon.claiming.explanation import Explanation

HERE = "/operations/carbon/explain"
AGREES = Word(Text("다시 계산해도 같음", "Run again: the same"), "success", "check", Text(""))
DIFFERS = Word(Text("다시 계산하면 다름", "Run again: it differs"), "danger", "cross", Text(""))


def routes() -> APIRouter:
    """The page of explanations."""
    router = APIRouter()
    router.add_api_route(HERE, page, methods=["GET"], dependencies=[Depends(require("read", "ledger"))])
    return router


async def page(request: Request) -> Response:
    """A figure, or the form to ask for one."""
    asked = request.query_params.get("figure", "").strip()[:300]
    found, trouble = await _explained(request, asked)
    return await layout_of(request).page(
        request,
        "carbon/explain.html",
        status=404 if trouble else 200,
        asked=asked,
        found=found,
        trouble=trouble,
        waterfall=[step for step in found.steps if step.shows] if found else [],
        agrees=AGREES,
        differs=DIFFERS,
        names=claim_names,
        paths=figure_paths,
        here=HERE,
    )


async def _explained(request: Request, asked: str) -> tuple[Explanation | None, DureError | None]:
    if not asked:
        return None, None
    try:
        return await run_in_threadpool(explain, house_of(request), asked), None
    except (NotFound, InputError) as error:
        return None, error
