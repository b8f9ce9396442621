"""The guard in front of every request: headers, size limits, and forms only from our own pages."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict, deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect

from dure.core.errors import InputError, NotAllowed, RateLimited, TooLarge
from dure.web.errors import problem

if TYPE_CHECKING:
    from datetime import datetime

    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSRF_COOKIE = "dure_csrf"
CSRF_FIELD = "csrf"
FORM_BYTES_MAX = 65_536
# A page that takes a whole list as text, by its path below the language.
FORM_BYTES_MAX_AT = {"/operations/environment/enrol": 4_194_304}
# Pages that take a photo with their form.
PHOTO_FORM_BYTES_MAX = 8_388_608
FORM_BYTES_MAX_AT |= dict.fromkeys(("/waste/report", "/operations/waste/ticket", "/carbon/proof-photo"), PHOTO_FORM_BYTES_MAX)
# The page that takes files of bills and intervals.
FORM_BYTES_MAX_AT["/operations/buildings/imports"] = 52_428_800
# The page that takes a file of tokens.
FORM_BYTES_MAX_AT["/operations/charging/token-import"] = PHOTO_FORM_BYTES_MAX + 65_536
# The page that takes a company's files.
FORM_BYTES_MAX_AT["/partners/company-files"] = PHOTO_FORM_BYTES_MAX + 1_114_112
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; "  # the icons inside MapLibre's style sheet
    "worker-src 'self'; "  # MapLibre's worker is a file of ours, no blob
    "manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware: security headers on every answer, and 413 for a body over the limit of its address."""

    def __init__(self, app: ASGIApp, *, api_bytes_max: int, https: bool) -> None:
        self._app = app
        self._api_bytes_max = api_bytes_max
        self._headers = {**HEADERS, **({"Strict-Transport-Security": "max-age=31536000"} if https else {})}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._api_bytes_max if scope["path"].startswith("/api/") else _form_limit(scope["path"])
        counted = _Counted(receive, limit)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if counted.declared(Headers(scope=scope)) > limit:
            await _too_large(limit)(scope, receive, guarded)
            return
        answer = _Held(guarded, counted)
        try:
            await self._app(scope, counted, answer)
        except ClientDisconnect:
            if not counted.over:
                raise
        if counted.over and not answer.started:
            await _too_large(limit)(scope, receive, guarded)


def _form_limit(path: str) -> int:
    """The longest form an address takes."""
    return FORM_BYTES_MAX_AT.get("/" + path[1:].partition("/")[2], FORM_BYTES_MAX)


class _Counted:
    """The body of a request, cut off when it grows over its limit."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._seen = 0
        self.over = False

    @staticmethod
    def declared(headers: Headers) -> int:
        """The length the sender declares; 0 when it says none that can be read."""
        length = headers.get("content-length", "")
        return int(length) if length.isdecimal() else 0

    async def __call__(self) -> Message:
        """The next part of the body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > self._limit:
                self.over = True
                return {"type": "http.disconnect"}
        return message


class _Held:
    """Sends an answer, unless the body went over the limit before it began: then the guard answers instead."""

    def __init__(self, send: Send, counted: _Counted) -> None:
        self._send = send
        self._counted = counted
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Pass on one message of the answer."""
        if self._counted.over and not self.started:
            return
        self.started = True
        await self._send(message)


def _too_large(limit: int) -> ASGIApp:
    return problem(
        TooLarge("http.too_large", f"The request is larger than {limit:,} bytes. Send it in parts.", limit_bytes=limit)
    )


def csrf_token(request: Request) -> str:
    """The token a form of this visitor carries; the layout sets its cookie when it is new."""
    known: str = getattr(request.state, "csrf", "") or request.cookies.get(CSRF_COOKIE, "")
    request.state.csrf = known if 20 <= len(known) <= 100 else secrets.token_urlsafe(24)
    token: str = request.state.csrf
    return token


async def own_form(request: Request) -> dict[str, str]:
    """The fields of a form that one of our own pages sent; a form from elsewhere is refused."""
    _check_origin(request)
    return _checked(request, await request.form(max_files=0, max_fields=50))


async def own_form_with_file(request: Request, name: str, bytes_max: int) -> tuple[dict[str, str], bytes]:
    """The fields of such a form and the bytes of its one file; no bytes when none was chosen."""
    _check_origin(request)
    form = await request.form(max_files=1, max_fields=50)
    sent = form.get(name)
    data = b"" if sent is None or isinstance(sent, str) else await sent.read(bytes_max + 1)
    await form.close()
    return _checked(request, form), data


def _check_origin(request: Request) -> None:
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host", ""):
        raise NotAllowed("form.origin", "This form was sent from another site. Open it here and send it again.")


def _checked(request: Request, form: FormData) -> dict[str, str]:
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    cookie = request.cookies.get(CSRF_COOKIE, "")
    if not cookie or not hmac.compare_digest(cookie.encode(), fields.pop(CSRF_FIELD, "").encode()):
        raise NotAllowed("form.token", "This form is too old or was not made for you. Open the page again and send it once more.")
    if any("\x00" in value for value in fields.values()):
        raise InputError("form.unreadable", "The form holds characters that cannot be kept.")
    return fields


class Attempts:
    """At most `most` attempts per key in a sliding window; the oldest keys are forgotten beyond `keys_max`."""

    def __init__(self, most: int, window_s: float, keys_max: int = 10_000, *, code: str = "sign_in.too_often") -> None:
        self._most = most
        self._code = code
        self._window_s = window_s
        self._keys_max = keys_max
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def take(self, key: str, now: datetime) -> None:
        """Count an attempt; one too many is refused with the time to wait."""
        at = now.timestamp()
        seen = self._seen.setdefault(key, deque())
        self._seen.move_to_end(key)
        while seen and seen[0] <= at - self._window_s:
            seen.popleft()
        if len(seen) >= self._most:
            wait_s = seen[0] + self._window_s - at
            raise RateLimited(self._code, "Too many attempts. Wait, then try again.", retry_after_s=round(wait_s) + 1)
        seen.append(at)
        while len(self._seen) > self._keys_max:
            self._seen.popitem(last=False)
