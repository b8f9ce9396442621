"""Sessions and their receipts: the list, one with its charts and why it is trusted, and the receipt a driver keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import Conflict, DureError, InputError
from dure.engines.records.audit import By
from dure.services.charging import sites
from dure.services.charging.pages import session_words as words
from dure.services.charging.pages.session_chart import charts_of
from dure.services.charging.pages.state_words import BAND_NAMES, ORIGIN_NAMES
from dure.services.charging.pricing import receipt as sealed
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.receipt import OriginShare, digest_of
from dure.services.charging.pricing.settle_watch import settle_now
from dure.services.charging.sessions import journal_records, session_desk, session_records
from dure.services.charging.sessions.place_rules import REASON_NAMES
from dure.services.charging.sessions.session_records import Asked
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import own_form

if TYPE_CHECKING:
    from dure.services.charging.sessions.model import SessionState, Trust
    from dure.spine.house import House

LIST = "/operations/charging/sessions"
FORM = "/operations/charging/session"
RECEIPT = "/charging/receipts"
PAGE_ROWS = 50
NOTE_MAX = 1_000
STATES: tuple[SessionState, ...] = ("running", "ended", "settled")
TRUSTS: tuple[Trust, ...] = ("measured", "estimated", "disputed")


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of sessions."""
    router = APIRouter()
    sees = [Depends(require("read", "city_data"))]
    router.add_api_route(LIST, listing, methods=["GET"], dependencies=sees)
    router.add_api_route(f"{LIST}/{{session_id}}", one, methods=["GET"], dependencies=sees)
    router.add_api_route(FORM, act, methods=["POST"])
    router.add_api_route(f"{RECEIPT}/{{sha256}}.json", receipt_text, methods=["GET"])
    router.add_api_route(f"{RECEIPT}/{{sha256}}", receipt, methods=["GET"])
    return router


async def listing(request: Request) -> Response:
    """Sessions, newest first."""
    house, query = house_of(request), request.query_params
    site, after = query.get("site", "")[:64], query.get("after", "")[:200]
    state = next((each for each in STATES if each == query.get("state")), None)
    trust = next((each for each in TRUSTS if each == query.get("trust")), None)
    asked = Asked(states=(state,) if state else (), site=site, trust=trust)

    def read() -> tuple[Any, dict[str, int], sites.Sites, int]:
        with house.records.read() as connection:
            found = session_records.listing(connection, asked, after=after, limit=PAGE_ROWS)
            known = sites.registered(connection)
            return found, session_records.counts(connection), known, journal_records.parked_n(connection)

    found, counts, known, parked_n = await run_in_threadpool(read)
    return await layout_of(request).page(
        request,
        "charging/sessions.html",
        found=found.items,
        following=found.next,
        after=after,
        counts=counts,
        parked_n=parked_n,
        sites=known.sites,
        evses={evse.id: evse for each in known.sites.values() for evse in each.evses},
        chosen={"site": site, "state": state or "", "trust": trust or ""},
        words=words,
    )


async def one(request: Request, session_id: str) -> Response:
    """One session."""
    return await _page(request, session_id)


async def _page(request: Request, session_id: str, trouble: str = "", status: int = 200) -> Response:
    house, say = house_of(request), layout_of(request).speech(request)
    told = await run_in_threadpool(session_desk.told, house, session_id[:80])
    session = told.session
    evse = next((each for each in told.site.evses if each.id == session.evse), None) if told.site else None
    return await layout_of(request).page(
        request,
        "charging/session.html",
        status=status,
        crumbs=[(LIST, say("모든 충전 기록"))],
        told=told,
        session=session,
        evse=evse,
        name=say.text(evse.name) if evse else session.evse or session.charger,
        charts=charts_of(told.samples, (session.started_at, session.ended_at or house.clock.now()), say),
        shares=_shares(told.receipts[-1].origin) if told.receipts else {},
        origins=ORIGIN_NAMES,
        bands=BAND_NAMES,
        stopped_by=REASON_NAMES.get(told.stop),
        words=words,
        trouble=trouble,
        done=request.query_params.get("told", "")[:20],
    )


async def act(request: Request, actor: Actor = Depends(require("act", "decision"))) -> Response:  # noqa: B008  # FastAPI's way
    """A person settles a session that waits for one."""
    house = house_of(request)
    fields = await own_form(request)
    ident, note = fields.get("session", "")[:80], fields.get("note", "").strip()[:NOTE_MAX]
    say = layout_of(request).speech(request)
    if not note:
        return await _page(request, ident, say("무엇을 확인했는지 적어 주세요."), 422)
    try:
        await run_in_threadpool(settle_now, house, ident, note, By(actor.id, house.clock.now()))
    except DureError as refused:
        if not isinstance(refused, Conflict | InputError) and not refused.code.startswith("price."):
            raise
        reason = words.REFUSED.get(refused.code)
        why = say.text(reason) if reason else say("정산하지 못했습니다: {why}", why=refused.message)
        return await _page(request, ident, why, 422)
    return RedirectResponse(f"/{language_of(request)}{LIST}/{ident}?told=settled", 303)


async def receipt(request: Request, sha256: str) -> Response:
    """A receipt, for whoever has its seal: it names no person."""
    house = house_of(request)

    def read() -> tuple[settlement_records.Kept, list[settlement_records.Kept]]:
        with house.records.read() as connection:
            found = settlement_records.by_digest(connection, sha256[:80])
            return found, settlement_records.of_session(connection, found.receipt.session)

    found, chain = await run_in_threadpool(read)
    say = layout_of(request).speech(request)
    return await layout_of(request).page(
        request,
        "charging/receipt.html",
        crumbs=[("/charging", say("충전소 찾기"))],
        receipt=found.receipt,
        sha256=found.sha256,
        faults=sealed.faults_of([(each.text, each.sha256) for each in chain]),
        sound=digest_of(found.text) == found.sha256,
        newest=chain[-1].sha256,
        shares=_shares(found.receipt.origin),
        origins=ORIGIN_NAMES,
        bands=BAND_NAMES,
        words=words,
    )


async def receipt_text(request: Request, sha256: str) -> Response:
    """The sealed text itself: its SHA-256 is the seal."""
    house = house_of(request)

    def read() -> str:
        with house.records.read() as connection:
            return settlement_records.by_digest(connection, sha256[:80]).text

    text = await run_in_threadpool(read)
    headers = {"Content-Disposition": f'attachment; filename="receipt-{sha256[:16]}.json"'}
    return Response(text, media_type="application/json", headers=headers)


def _shares(origin: OriginShare) -> dict[str, float]:
    """Parts of energy by origin, without those that are none."""
    parts = {"pv": origin.pv_wh, "ess_pv": origin.ess_pv_wh, "ess_grid": origin.ess_grid_wh, "grid": origin.grid_wh}
    return {name: wh / origin.wh for name, wh in parts.items() if wh}
