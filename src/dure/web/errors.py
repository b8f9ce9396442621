"""Errors on the wire: one table from the tree of `core.errors` to HTTP, and RFC 9457 problem details."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from dure.core.errors import (
    ConfigError,
    Conflict,
    Corrupt,
    DureError,
    InputError,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
    TooLarge,
    Unavailable,
)

# The most particular class first: the first that fits decides.
STATUS: tuple[tuple[type[DureError], int], ...] = (
    (TooLarge, 413),
    (Conflict, 409),
    (InputError, 422),
    (NotFound, 404),
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (RateLimited, 429),
    (Unavailable, 503),
    (Corrupt, 500),
    (ConfigError, 500),
    (DureError, 500),
)
RETRY_AFTER_S = 5  # what is said where the error itself does not know

# Codes of faults that the web server itself finds, by status.
_PLAIN: dict[int, DureError] = {
    404: NotFound("http.not_found", "There is nothing at this address."),
    405: InputError("http.method", "This address does not know that method."),
    413: TooLarge("http.too_large", "The request is larger than the limit."),
    415: InputError("http.media_type", "This kind of content is not read here."),
    500: DureError("http.internal", "Something went wrong here. It is in the log."),
}


def status_of(error: DureError) -> int:
    """The HTTP status of an error."""
    return next(status for kind, status in STATUS if isinstance(error, kind))


def headers_of(error: DureError) -> dict[str, str]:
    """Headers an error brings along."""
    if error.retry:
        seconds = error.detail.get("retry_after_s", RETRY_AFTER_S)
        return {"Retry-After": str(max(1, round(float(str(seconds)))))}
    if isinstance(error, NotSignedIn):
        return {"WWW-Authenticate": "Bearer"}
    return {}


def of_http(error: HTTPException) -> DureError:
    """The error of the house that says the same as one of the web framework."""
    known = _PLAIN.get(error.status_code)
    if known is not None:
        return known
    phrase = HTTPStatus(error.status_code).phrase if error.status_code in list(HTTPStatus) else "Error"
    return InputError(f"http.{error.status_code}", str(error.detail or phrase))


def problem(error: DureError, status: int | None = None) -> Response:
    """The error as ``application/problem+json`` (RFC 9457) with its code, who can fix it and whether to retry."""
    status = status or status_of(error)
    body = {
        "type": f"urn:dure:error:{error.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error.message,
        "code": error.code,
        "who": error.who,
        "retry": error.retry,
        **{name: value for name, value in error.detail.items() if name not in ("type", "title", "status", "detail", "code")},
    }
    return Response(msgspec.json.encode(body, enc_hook=str), status, headers_of(error), media_type="application/problem+json")
