"""The door: sign-in and -out for local accounts and, where a city has one, its OpenID Connect issuer."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.errors import InputError, NotSignedIn
from dure.web.access import SESSION_COOKIE
from dure.web.layout import https, language_of, layout_of
from dure.web.security import Attempts, own_form

if TYPE_CHECKING:
    from datetime import datetime

    from dure.spine.house import House

TRIES = 10
WINDOW_S = 300.0


def router(house: House) -> APIRouter:
    """Pages of the door."""
    door = _Door(house)
    routes = APIRouter()
    routes.add_api_route("/sign-in", door.show, methods=["GET"])
    routes.add_api_route("/sign-in", door.sign_in, methods=["POST"])
    routes.add_api_route("/sign-out", door.sign_out, methods=["POST"])
    if house.settings.oidc_issuer:
        routes.add_api_route("/sign-in/oidc", door.start, methods=["GET"])
    return routes


class _Door:
    """Counts attempts per address and per login, so neither can be guessed at speed."""

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
        address = request.client.host if request.client else ""
        for key in (f"address:{address}", f"login:{login.casefold()}"):
            self._attempts.take(key, now)
        try:
            token = await run_in_threadpool(self._open, request, login, password, now)
        except (NotSignedIn, InputError):
            return await self._form(request, wanted, login, refused=True, status=401)
        self._attempts.forget(f"login:{login.casefold()}")
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
        """Go to the issuer."""
        return RedirectResponse(f"/auth/oidc/start?next={_inside(request.query_params.get('next', ''))}", 303)

    async def _form(  # noqa: PLR0913  # what the form shows
        self, request: Request, wanted: str, login: str = "", *, missing: bool = False, refused: bool = False, status: int = 200
    ) -> Response:
        return await layout_of(request).page(
            request,
            "sign_in.html",
            status=status,
            wanted=wanted,
            login=login,
            missing=missing,
            refused=refused,
            oidc=bool(self._house.settings.oidc_issuer),
        )


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
