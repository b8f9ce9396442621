"""The door: sign-in and -out for local accounts and, where a city has one, its OpenID Connect issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.errors import InputError, NotSignedIn, RateLimited
from dure.engines.identity import oidc
from dure.engines.identity.secrets import Secrets
from dure.web.access import SESSION_COOKIE
from dure.web.errors import headers_of
from dure.web.layout import https, language_of, layout_of
from dure.web.security import Attempts, own_form

if TYPE_CHECKING:
    from datetime import datetime

    from dure.spine.house import House

TRIES = 20  # per address: an office shares one
WINDOW_S = 300.0
ISSUER_S = 10.0
BEGUN_COOKIE = "dure_oidc"
BACK = "ko/sign-in/oidc/back"  # one address for all languages, as issuers compare it letter by letter


def router(house: House) -> APIRouter:
    """Pages of the door."""
    door = _Door(house)
    routes = APIRouter()
    routes.add_api_route("/sign-in", door.show, methods=["GET"])
    routes.add_api_route("/sign-in", door.sign_in, methods=["POST"])
    routes.add_api_route("/sign-out", door.sign_out, methods=["POST"])
    if house.settings.oidc_issuer:
        routes.add_api_route("/sign-in/oidc", door.start, methods=["GET"])
        routes.add_api_route("/sign-in/oidc/back", door.back, methods=["GET"])
    return routes


class _Door:
    """Counts attempts per address; the accounts themselves count them per login."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._attempts = Attempts(TRIES, WINDOW_S)

    async def show(self, request: Request) -> Response:
        """The form."""
        return await self._form(request, wanted=_inside(request.query_params.get("next", "")))

    async def sign_in(self, request: Request) -> Response:
        """Check login and password; a wrong one does not say which was wrong."""
        fields = await own_form(request)
        login, password = fields.get("login", "").strip()[:200], fields.get("password", "")[:1000]
        wanted = _inside(fields.get("next", ""))
        if not login or not password:
            return await self._form(request, wanted, login, missing=True, status=422)
        now = self._house.clock.now()
        try:
            self._attempts.take(f"address:{_address(request)}", now)
            token = await run_in_threadpool(self._open, request, login, password, now)
        except (NotSignedIn, InputError):
            return await self._form(request, wanted, login, refused=True, status=401)
        except RateLimited as error:
            answer = await self._form(request, wanted, login, wait=True, status=429)
            answer.headers.update(headers_of(error))
            return answer
        return _let_in(self._house, request, token, wanted)

    def _open(self, request: Request, login: str, password: str, now: datetime) -> str:
        old = request.cookies.get(SESSION_COOKIE, "")
        return self._house.people.sign_in(login, password, now, old_token=old).token

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        await own_form(request)
        token = request.cookies.get(SESSION_COOKIE, "")
        if token:
            await run_in_threadpool(self._house.people.sign_out, token)
        answer = RedirectResponse(f"/{language_of(request)}/", 303)
        answer.delete_cookie(SESSION_COOKIE, path="/")
        return answer

    async def start(self, request: Request) -> Response:
        """Go to the issuer; what must come back is sealed in a cookie of this browser."""
        now = self._house.clock.now()
        self._attempts.take(f"address:{_address(request)}", now)
        async with httpx.AsyncClient(timeout=ISSUER_S) as http:
            begun = await self._issuer(http).begin(_inside(request.query_params.get("next", "")))
        answer = RedirectResponse(begun.url, 303)
        sealed = oidc.seal(begun, self._key(), now)
        answer.set_cookie(
            BEGUN_COOKIE, sealed, max_age=600, httponly=True, samesite="lax", secure=https(self._house), path=f"/{BACK}"
        )
        return answer

    async def back(self, request: Request) -> Response:
        """Come back from the issuer."""
        now = self._house.clock.now()
        begun = oidc.unseal(request.cookies.get(BEGUN_COOKIE, ""), self._key(), now)
        async with httpx.AsyncClient(timeout=ISSUER_S) as http:
            claimed = await self._issuer(http).finish(begun, dict(request.query_params))
        old = request.cookies.get(SESSION_COOKIE, "")
        opened = await run_in_threadpool(self._house.people.sign_in_claimed, claimed, now, old_token=old)
        answer = _let_in(self._house, request, opened.token, _inside(begun.next))
        answer.delete_cookie(BEGUN_COOKIE, path=f"/{BACK}")
        return answer

    def _key(self) -> str:
        return Secrets.load(self._house.settings.data).session_key

    def _issuer(self, http: httpx.AsyncClient) -> oidc.Oidc:
        settings = self._house.settings
        home = settings.public_url.rstrip("/") or f"http://127.0.0.1:{settings.http_port}"
        client = oidc.OidcClient(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret,
            redirect_url=f"{home}/{BACK}",
            roles_claim=settings.oidc_roles_claim,
        )
        return oidc.Oidc(client, http, self._house.clock)

    async def _form(  # noqa: PLR0913  # what the form shows
        self,
        request: Request,
        wanted: str,
        login: str = "",
        *,
        missing: bool = False,
        refused: bool = False,
        wait: bool = False,
        status: int = 200,
    ) -> Response:
        return await layout_of(request).page(
            request,
            "sign_in.html",
            status=status,
            wanted=wanted,
            login=login,
            missing=missing,
            refused=refused,
            wait=wait,
            oidc=bool(self._house.settings.oidc_issuer),
        )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _let_in(house: House, request: Request, token: str, wanted: str) -> Response:
    answer = RedirectResponse(wanted or f"/{language_of(request)}/operations", 303)
    answer.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=house.settings.session_h * 3600,
        httponly=True,
        samesite="lax",
        secure=https(house),
        path="/",
    )
    return answer


def _inside(path: str) -> str:
    """A path of our own to go back to; anything else is dropped."""
    parts = urlsplit(path)
    plain = path.startswith(("/ko", "/en")) and not parts.netloc and not parts.scheme and "\\" not in path
    return path if plain and path.isprintable() else ""
