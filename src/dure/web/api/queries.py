"""What a caller may ask with: times, spans, lists, boxes and page positions, each with its limit and its code."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi.routing import APIRoute
from pydantic import BaseModel, Field

from dure.core.errors import InputError
from dure.core.identifiers import identifier
from dure.core.time import Interval, format_instant, from_us, parse_instant, to_us

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from fastapi.dependencies.models import Dependant
    from starlette.requests import Request
    from starlette.responses import Response

PAGE_MAX = 10_000
PAGE = 1_000
IDS_MAX = 1_000
SERIES_MAX = 10_000
_SPACE_FOR_PLUS = re.compile(r" (\d\d:\d\d)$")  # "+09:00" not escaped in an address arrives as " 09:00"
_EXAMPLE_TIME = "2026-11-24T00:00:00Z"


def _time(description: str) -> Any:
    return Field(None, description=description, examples=[_EXAMPLE_TIME], json_schema_extra={"format": "date-time"})


class Paged(BaseModel):
    """A page of rows."""

    limit: int = Field(PAGE, ge=1, le=PAGE_MAX, description="Most rows on one page.", examples=[100])
    after: str | None = Field(None, max_length=200, description="The position that `next` of the page before named.")


class Spanned(BaseModel):
    """A span of time."""

    start: str | None = _time("From this instant (RFC 3339), included.")
    end: str | None = _time("Up to this instant (RFC 3339), not included.")


class AsOf(BaseModel):
    """What was known when."""

    as_of: str | None = _time("As it was known at this instant: rows that arrived later are left out.")


class OfSeries(BaseModel):
    """Which series."""

    asset: list[str] = Field([], description="Asset ids, repeated or separated by commas.", examples=[["hs-0001"]])
    property: list[str] = Field([], description="Property ids, repeated or separated by commas.", examples=[["air_temperature"]])


class Boxed(BaseModel):
    """Where."""

    bbox: str | None = Field(
        None, max_length=200, description="West,south,east,north in degrees (WGS 84).", examples=["126.7,37.0,127.2,37.3"]
    )


class CheckedRoute(APIRoute):
    """A route that refuses query parameters it does not know: a misspelt filter must not return everything."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of FastAPI behind the check."""
        handler = super().get_route_handler()
        known = known_to(self.dependant)

        async def checked(request: Request) -> Response:
            refuse_unknown(request, known)
            return await handler(request)

        return checked


def known_to(dependant: Dependant) -> set[str]:
    """Names of the query parameters that a route and what it depends on read."""
    known: set[str] = set()
    for field in dependant.query_params:
        form = field.field_info.annotation
        known |= set(form.model_fields) if isinstance(form, type) and issubclass(form, BaseModel) else {field.alias}
    for deeper in dependant.dependencies:
        known |= known_to(deeper)
    return known


def refuse_unknown(request: Request, known: Iterable[str]) -> None:
    """Raise when the address holds a query parameter that is not known."""
    known = set(known)
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        can = ", ".join(sorted(known)) or "none"
        raise InputError("query.unknown", f"There is no query parameter {unknown[0][:80]!r} here. Known: {can}.")


def instant(text: str, name: str) -> datetime:
    """The instant of a query parameter."""
    try:
        at = parse_instant(_SPACE_FOR_PLUS.sub(r"+\1", text))
    except InputError as error:
        raise InputError(error.code, f"{name}: {error.message}") from error
    return at


def instant_us(text: str | None, name: str) -> int | None:
    """Microseconds of a query parameter; None where it is absent."""
    return None if text is None else to_us(instant(text, name))


def span(start: str | None, end: str | None, now: datetime, *, usual: timedelta, longest: timedelta) -> Interval:
    """The interval asked for: `end` is now and `start` is `usual` before it unless they say otherwise."""
    until = instant(end, "end") if end is not None else max(now, instant(start, "start") if start is not None else now)
    try:
        since = instant(start, "start") if start is not None else until - usual
    except OverflowError as error:
        raise InputError("time.unreadable", "The interval begins outside the calendar.") from error
    asked = Interval(since, until)
    if asked.duration > longest:
        raise InputError("query.span_too_long", f"The interval is longer than {longest.days} days. Ask for it in parts.")
    return asked


def text(given: str | None, name: str) -> str:
    """A search text; control characters, which no record holds, are refused."""
    if given and any(character < " " or character == "\x7f" for character in given):
        raise InputError("query.text", f"{name} holds control characters.")
    return given or ""


def ids(given: list[str] | None, what: str, most: int = IDS_MAX) -> list[str]:
    """Distinct ids in the order given, from repeated or comma-separated parameters."""
    found = dict.fromkeys(part for text in given or [] for part in text.split(",") if part)
    if len(found) > most:
        raise InputError("query.too_many", f"At most {most:,} of {what} at once; {len(found):,} were asked for.")
    return [identifier(one, what) for one in found]


def box(text: str | None) -> tuple[float, float, float, float] | None:
    """West, south, east, north of a `bbox` parameter."""
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError("query.bbox", "bbox is four numbers: west,south,east,north in degrees.") from error
    if not all(math.isfinite(side) for side in (west, south, east, north)):
        raise InputError("query.bbox", "bbox is four finite numbers: west,south,east,north in degrees.")
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError("query.bbox", "bbox must keep west <= east within 180 and south <= north within 90 degrees.")
    return west, south, east, north


class ObservationId(NamedTuple):
    """``asset:property:time`` names one observation."""

    asset: str
    property: str
    time_us: int

    def __str__(self) -> str:
        return f"{self.asset}:{self.property}:{format_instant(from_us(self.time_us))}"


def observation_id(text: str) -> ObservationId:
    """The parts of an observation's id."""
    asset, _, rest = text.partition(":")
    property_id, _, time = rest.partition(":")
    if not time:
        raise InputError("observation.id", "An observation's id reads asset:property:time, the time in RFC 3339.")
    at = instant(time, "the time of the id")
    return ObservationId(identifier(asset, "asset id"), identifier(property_id, "property id"), to_us(at))
