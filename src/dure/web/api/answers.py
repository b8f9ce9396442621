"""Answers: values of the core as JSON by msgspec, pages with a link to the next, and copies a browser may keep."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

JSON = "application/json"
GEOJSON = "application/geo+json"
KEPT_S = 300
PROBLEM = "application/problem+json"
_encoder = msgspec.json.Encoder()
encode = _encoder.encode

type_problem: dict[str, Any] = {
    "type": "object",
    "required": ["title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; listed with its remedy in docs/en/errors.md."},
    },
}


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON) -> Response:
    """A value as JSON."""
    return Response(encode(value), status, headers, media_type)


def page(request: Request, items: list[Any], after: str | None, name: str = "items") -> Response:
    """A page: its rows, the position after them (None at the end) and the address of the next page as a Link header."""
    return answer({name: items, "next": after}, headers=next_link(request, after))


def next_link(request: Request, after: str | None) -> dict[str, str]:
    """The Link header that leads to the next page."""
    if after is None:
        return {}
    query = [(key, value) for key, value in request.query_params.multi_items() if key != "after"]
    return {"Link": f'<{request.url.path}?{urlencode([*query, ("after", after)])}>; rel="next"'}


def kept(request: Request, value: object, *, public: bool = True, media_type: str = JSON) -> Response:
    """A value that seldom changes: with an ETag, and 304 for who has it already."""
    body = encode(value)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": f"{'public' if public else 'private'}, max-age={KEPT_S}"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type)


def schema_of(type_: Any) -> dict[str, Any]:
    """JSON Schema of a msgspec type with every reference replaced by what it refers to."""
    schema = msgspec.json.schema(type_)
    parts = schema.pop("$defs", {})

    def inline(node: Any) -> Any:
        if isinstance(node, dict):
            name = node.get("$ref", "")
            if name.startswith("#/$defs/"):
                return inline(parts[name.removeprefix("#/$defs/")])
            if "prefixItems" in node:  # our tuples hold one type; the document's reader knows no other
                node = {key: value for key, value in node.items() if key != "prefixItems"} | {"items": node["prefixItems"][0]}
            return {key: inline(value) for key, value in node.items()}
        return [inline(one) for one in node] if isinstance(node, list) else node

    inlined: dict[str, Any] = inline(schema)
    return inlined


def page_schema(type_: Any, name: str = "items") -> dict[str, Any]:
    """JSON Schema of a page of such values."""
    return {
        "type": "object",
        "required": [name, "next"],
        "properties": {
            name: {"type": "array", "items": schema_of(type_)},
            "next": {"type": ["string", "null"], "description": "Pass it as `after` to get the next page; null at the end."},
        },
    }


def told(
    schema: dict[str, Any] | None = None, *refusals: int, description: str = "Done.", media_type: str = JSON, status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: its schema when it succeeds, and problem details for each status it may refuse with."""
    content = {media_type: {"schema": schema}} if schema is not None else {}
    told_: dict[int | str, dict[str, Any]] = {status: {"description": description, "content": content}}
    for refusal in sorted({*refusals, 422}):
        told_[refusal] = {"description": REFUSALS[refusal], "content": {PROBLEM: {"schema": type_problem}}}
    return told_


REFUSALS: dict[int, str] = {
    400: "The request cannot be read.",
    401: "No credential, or a wrong or revoked one.",
    403: "Signed in, but not allowed.",
    404: "The thing named does not exist, or is not for this caller.",
    409: "It contradicts what is already kept.",
    413: "Over a stated limit.",
    415: "This form of content is not read here.",
    422: "What was sent cannot be used; `code` says why.",
    429: "Too much at once; come back after `Retry-After` seconds.",
    503: "An engine does not answer now; try again.",
}
