"""The driver at the charger: one place, its state, start, progress, stop. Opened by the QR code on it; no account needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.errors import Conflict, DureError, InputError, RateLimited
from dure.engines.records.audit import By
from dure.services.charging.driving import driver_desk
from dure.services.charging.driving.claim import Claim, claim_of, opened, sealed, with_claim
from dure.services.charging.driving.wishes import Trouble, wanted
from dure.services.charging.pages.charging_views import books, evse_in, notes, view_now
from dure.services.charging.pages.driver_words import phase_words, refusal
from dure.services.charging.pages.qr_labels import labels_of
from dure.services.charging.pages.state_words import BAND_NAMES, ORIGIN_NAMES, STATE_WORDS, connector_name
from dure.services.charging.publishing.price_hours import prices_at
from dure.services.charging.tokens.token_key import token_key
from dure.web.access import require
from dure.web.errors import headers_of
from dure.web.layout import house_of, https, language_of, layout_of
from dure.web.security import Attempts, own_form

if TYPE_CHECKING:
    from dure.services.charging.driving.driver_desk import Driving
    from dure.services.charging.origin.split import Split
    from dure.services.charging.publishing.site_view import View
    from dure.services.charging.publishing.standing import EvseStanding, SiteStanding
    from dure.spine.house import House

HERE = "/charging/evse"
LABELS = "/operations/charging/labels"
COOKIE = "dure_charge"
HOUR_S = 3_600.0


class Place(NamedTuple):
    """A place of an address, with all that this phone knows of it."""

    view: View
    site: SiteStanding
    evse: EvseStanding
    claims: tuple[Claim, ...]
    driving: Driving


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """Pages of a place to charge, and the labels that lead to them."""
    router, phone = APIRouter(), _Phone()
    router.add_api_route(f"{HERE}/{{evse_id}}", one, methods=["GET"])
    router.add_api_route(f"{HERE}/{{evse_id}}/start", phone.start, methods=["POST"])
    router.add_api_route(f"{HERE}/{{evse_id}}/wish", phone.wish, methods=["POST"])
    router.add_api_route(f"{HERE}/{{evse_id}}/stop", phone.stop, methods=["POST"])
    router.add_api_route(LABELS, labels, methods=["GET"], dependencies=[Depends(require("read", "city_data"))])
    return router


async def _place(request: Request, evse_id: str) -> Place:
    house = house_of(request)
    view = await view_now(house)
    site, evse = evse_in(view, evse_id)
    cookie = request.cookies.get(COOKIE, "")
    claims: tuple[Claim, ...] = ()
    if cookie:
        key = await run_in_threadpool(token_key, house.settings.data)
        claims = opened(cookie, key, house.clock.now(), view.rules.claim)
    found = await run_in_threadpool(driver_desk.driving, house, evse, claim_of(claims, evse_id), view.rules)
    return Place(view, site, evse, claims, found)


async def one(request: Request, evse_id: str) -> Response:
    """One place to charge."""
    return await _page(request, await _place(request, evse_id))


async def _page(
    request: Request, at: Place, *, fields: dict[str, str] | None = None, trouble: Trouble | None = None, status: int = 200
) -> Response:
    say = layout_of(request).speech(request)
    site = at.site.site
    return await layout_of(request).page(
        request,
        "charging/driver.html",
        status=status,
        crumbs=[("/charging", say("충전소 찾기")), (f"/charging/sites/{site.id}", say.text(site.name))],
        one=at.site,
        place=at.evse,
        driving=at.driving,
        prices=prices_at(site, at.evse.evse, books(house_of(request)), house_of(request).clock.now(), 8),
        bands=BAND_NAMES,
        notes=notes(house_of(request), site, at.evse.evse),
        split=split_shares(at.driving.split),
        origins=ORIGIN_NAMES,
        told=phase_words(at.driving.phase, at.evse.state),
        why=refusal(at.driving.call) if at.driving.call else None,
        states=STATE_WORDS,
        connector_name=connector_name,
        fields=fields or {},
        trouble=trouble,
        stopping=at.driving.phase == "mine" and trouble is None and request.query_params.get("told") == "stop",
    )


def split_shares(split: Split | None) -> dict[str, float]:
    """How the energy of a session splits by origin, parts of 1; empty while nothing is booked."""
    if split is None or split.energy_wh <= 0:
        return {}
    parts = {"pv": split.pv_wh, "ess_pv": split.ess_pv_wh, "ess_grid": split.ess_grid_wh, "grid": split.grid_wh}
    return {name: wh / split.energy_wh for name, wh in parts.items() if wh > 0}


class _Phone:
    """What a phone without an account may do; so often an hour from one address."""

    def __init__(self) -> None:
        self._attempts: Attempts | None = None

    def _take(self, request: Request, at: Place) -> None:
        if self._attempts is None:
            self._attempts = Attempts(at.view.rules.starts_per_h, HOUR_S, code="driver.too_often")
        self._attempts.take(request.client.host if request.client else "", house_of(request).clock.now())

    async def start(self, request: Request, evse_id: str) -> Response:
        """Ask the charger to start; the phone gets the cookie that lets it stop."""
        house, fields = house_of(request), await own_form(request)
        at = await _place(request, evse_id)
        want = wanted(fields, house.clock.now(), house.city.zone)
        shown = {name: value for name, value in fields.items() if name != "token"}
        if isinstance(want, Trouble):
            return await _page(request, at, fields=shown, trouble=want, status=422)
        try:
            self._take(request, at)
            trouble = await run_in_threadpool(driver_desk.card_trouble, house, at.site.site.id, want)
            if trouble is not None:
                return await _page(request, at, fields=shown, trouble=trouble, status=422)
            claim = await driver_desk.begin(house, at.evse, want, By(driver_desk.DRIVER, house.clock.now()))
        except (Conflict, InputError, RateLimited) as error:
            return await _refused(request, at, error, shown)
        answer = _back(request, evse_id)
        key = await run_in_threadpool(token_key, house.settings.data)
        text = sealed(with_claim(at.claims, claim), key)
        age_s = round(at.view.rules.claim.total_seconds())
        answer.set_cookie(COOKIE, text, max_age=age_s, httponly=True, samesite="lax", secure=https(house), path="/")
        return answer

    async def wish(self, request: Request, evse_id: str) -> Response:
        """Another wish for the charge that runs; of the phone that started it."""
        house, fields = house_of(request), await own_form(request)
        at = await _place(request, evse_id)
        session = driver_desk.own_session(at.driving)
        want = wanted(fields, house.clock.now(), house.city.zone)
        if isinstance(want, Trouble):
            return await _page(request, at, fields=fields, trouble=want, status=422)

        def keep() -> None:
            driver_desk.keep_wish(house, want, house.clock.now(), evse=evse_id, session=session.id)

        await run_in_threadpool(keep)
        return _back(request, evse_id)

    async def stop(self, request: Request, evse_id: str) -> Response:
        """Ask the charger to stop; of the phone that started it."""
        house = house_of(request)
        await own_form(request)
        at = await _place(request, evse_id)
        if at.driving.phase == "ended":
            return _back(request, evse_id)
        session = driver_desk.own_session(at.driving)
        try:
            self._take(request, at)
            await driver_desk.end(house, session, By(driver_desk.DRIVER, house.clock.now()))
        except (Conflict, InputError, RateLimited) as error:
            return await _refused(request, at, error, {})
        return _back(request, evse_id, "told=stop")


async def _refused(request: Request, at: Place, error: DureError, fields: dict[str, str]) -> Response:
    status = 429 if isinstance(error, RateLimited) else 409 if isinstance(error, Conflict) else 422
    answer = await _page(request, at, fields=fields, trouble=Trouble("", error.code, refusal(error)), status=status)
    answer.headers.update(headers_of(error))
    return answer


def _back(request: Request, evse_id: str, query: str = "") -> RedirectResponse:
    say = layout_of(request).speech(request)
    return RedirectResponse(f"/{say.language}{HERE}/{evse_id}{f'?{query}' if query else ''}", 303)


async def labels(request: Request) -> Response:
    """Sheets of QR labels: every place to charge of a site, or of all."""
    house = house_of(request)
    view = await view_now(house)
    site_id = request.query_params.get("site", "")[:64]
    chosen = [one for one in view.standing.values() if site_id in {"", one.site.id}]
    address = house.settings.public_url or str(request.base_url).rstrip("/")
    return await layout_of(request).page(
        request,
        "charging/labels.html",
        sheets=labels_of(chosen, address, language_of(request)),
        sites=list(view.standing.values()),
        site_id=site_id,
        address=address,
    )
