"""Pages of rules and limits: every pack in force, how sure each row is, and how a city sets its own."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from dure.core.errors import ConfigError, InputError
from dure.core.time import day_of
from dure.services.environment.pages import rules_book
from dure.services.environment.pages.rules_book import MARKS
from dure.web.access import require
from dure.web.layout import house_of, layout_of

if TYPE_CHECKING:
    from dure.core.properties import Property
    from dure.services.environment.pages.rules_book import Sentence
    from dure.spine.house import House
    from dure.web.i18n import Speech

HERE = "/operations/environment/rules"


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Routes of rules."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(HERE, shelf, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{HERE}/{{pack}}", one, methods=["GET"], dependencies=sees)
    return router


async def shelf(request: Request) -> Response:
    """All packs; with a mark every row that bears it; the limits of the quality control of one property in words."""
    house, say, query = house_of(request), layout_of(request).speech(request), request.query_params
    on = day_of(house.clock.now(), house.city.zone)
    mark = query.get("mark", "")
    found = await run_in_threadpool(rules_book.shelf, house.city.folder, on)
    chosen, choices = _chosen(house, query.get("property", ""))
    sentences = await run_in_threadpool(_sentences, house, chosen, on, say)
    marked = [(leaf, [row for row in leaf.rows if row.row["mark"] == mark]) for leaf in found.leaves] if mark in MARKS else []
    return await layout_of(request).page(
        request,
        "environment/rules.html",
        found=found,
        on=on,
        sure=mark if mark in MARKS else "",
        marks=MARKS,
        marked=[(leaf, rows) for leaf, rows in marked if rows],
        chosen=chosen,
        choices=choices,
        sentences=sentences,
        properties=house.properties,
        value_words=lambda value: rules_book.value_words(value, say),
        folder=f"cities/{house.city.id}/rules",
    )


async def one(request: Request, pack: str) -> Response:
    """One pack as it is or was in force on a day."""
    house, say, query = house_of(request), layout_of(request).speech(request), request.query_params
    today = day_of(house.clock.now(), house.city.zone)
    on = _day(query.get("on", "")) or today
    leaf = await run_in_threadpool(rules_book.open_pack, pack, house.city.folder, on)
    mark = query.get("mark", "")
    rows = [row for row in leaf.rows if mark in ("", row.row["mark"])]
    return await layout_of(request).page(
        request,
        "environment/rules_pack.html",
        crumbs=[(HERE, say("환경 기준"))],
        leaf=leaf,
        rows=rows,
        tables=list(dict.fromkeys(row.table for row in rows)),
        on=on,
        today=today,
        sure=mark if mark in MARKS else "",
        marks=MARKS,
        value_words=lambda value: rules_book.value_words(value, say),
        property_of=house.properties.get,
    )


def _chosen(house: House, asked: str) -> tuple[Property | None, list[Property]]:
    """The property whose limits are told, and those one may choose: what is measured here."""
    measured = {value.property for value in house.live.all()}
    choices = [one for one in house.properties if one.id in measured] or list(house.properties)
    known = next((one for one in choices if one.id == asked), choices[0] if choices else None)
    return known, choices


def _sentences(house: House, known: Property | None, on: date, say: Speech) -> list[Sentence]:
    if known is None:
        return []
    try:
        return rules_book.quality_sentences(known, house.city.folder, on, say)
    except ConfigError:  # it stands among the troubles
        return []


def _day(asked: str) -> date | None:
    if not asked:
        return None
    try:
        return date.fromisoformat(asked)
    except ValueError as error:
        raise InputError("time.unreadable", "A day reads YYYY-MM-DD.") from error
