"""The official schemas as validators, and what a station is told when its payload does not fit.

The file ``schemas.json.gz`` beside this module is made from the package ``ocpp`` (MIT) by ``scripts/ocpp_schemas.py``, which
`make assets` runs; a wheel carries it. Validators are compiled when a version is first used: all 387 take 0.04 s of CPU.

When several fields are wrong, the station is told one code, by this order: what is missing or there too often, what has another
type, what has a value that is not allowed, what the schema does not know. The order is ours: the standard has none.
"""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import jsonschema_rs
import msgspec

from dure.core.errors import ConfigError
from dure.protocols.ocpp.actions import SENDS, Version, central_asks, station_asks
from dure.protocols.ocpp.errors import CallError, ErrorCode
from dure.protocols.ocpp.frames import form_violation, occurrence_violation

BUNDLE = "schemas.json.gz"
# Which keyword of a schema tells of which kind of violation, the first in this order wins.
_RANK = ("occurrence", "type", "property", "form")
_KIND = {
    "required": "occurrence",
    "minItems": "occurrence",
    "maxItems": "occurrence",
    "type": "type",
    "format": "type",
    "additionalProperties": "form",
}


class Pair(NamedTuple):
    """The validators of one action: of the question and of its answer; and whether a station may ask it, or SEND it.

    A SEND has no answer.
    """

    request: jsonschema_rs.Validator
    response: jsonschema_rs.Validator | None
    asked: bool
    sent: bool


@cache
def bundle(name: str = BUNDLE) -> dict[str, dict[str, dict[str, Any]]]:
    """The schemas by version, action and direction (request, response)."""
    try:
        packed = (resources.files("dure.protocols.ocpp") / name).read_bytes()
    except FileNotFoundError:
        raise ConfigError(
            "ocpp.no_schemas", "The schemas of OCPP are not installed. Run `make assets`, or scripts/ocpp_schemas.py."
        ) from None
    found: dict[str, dict[str, dict[str, Any]]] = msgspec.json.decode(gzip.decompress(packed))["schemas"]
    return found


@cache
def validators(version: Version) -> dict[str, Pair]:
    """The validators of a version, by action."""
    return {
        action: Pair(
            _compiled(ways["request"]),
            _compiled(ways["response"]) if "response" in ways else None,
            action not in SENDS and station_asks(version, action),
            action in SENDS,
        )
        for action, ways in bundle()[version].items()
    }


def _compiled(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(schema, validate_formats=True, offline=True)


def check_asked(version: Version, action: str, payload: dict[str, Any], *, sent: bool = False) -> None:
    """Refuse what a station may not ask, or asks in a wrong form.

    Raises
    ------
    CallError : with the code of its version
    """
    pair = validators(version).get(action)
    if pair is None:
        raise CallError("NotImplemented", f"There is no action {action[:50]} in {version}.")
    if not (pair.sent if sent else pair.asked):
        raise CallError("NotSupported", f"{action} is not asked of the central system.")
    if not pair.request.is_valid(payload):
        raise violation(version, pair.request, payload)


def check_answer(version: Version, action: str, payload: dict[str, Any]) -> None:
    """Refuse an answer (ours, or a station's) that is not valid."""
    validator = validators(version)[action].response
    if validator is not None and not validator.is_valid(payload):
        raise violation(version, validator, payload)


def check_asking(version: Version, action: str, payload: dict[str, Any]) -> None:
    """Refuse a question of the central system that is not valid, or that no station answers."""
    pair = validators(version).get(action)
    if pair is None or not central_asks(version, action):
        raise CallError("NotImplemented", f"A station is not asked {action[:50]} in {version}.")
    if not pair.request.is_valid(payload):
        raise violation(version, pair.request, payload)


def violation(version: Version, validator: jsonschema_rs.Validator, payload: dict[str, Any]) -> CallError:
    """What is wrong with a payload, with the fields but never their values (one may be a card's number)."""
    found = sorted({_of(error) for error in validator.iter_errors(payload)})
    if not found:
        return CallError(form_violation(version), "The payload cannot be read.")
    rank, where, keyword = found[0]
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return CallError(_code(version, _RANK[rank]), f"{where or 'payload'}: {keyword}{more}")


def rank_of(keyword: str) -> int:
    """Which violation is told first when there are several: 0 is first."""
    return _RANK.index(_KIND.get(keyword, "property"))


def code_of(version: Version, keyword: str) -> ErrorCode:
    """The error code for a violated keyword of a schema."""
    return _code(version, _KIND.get(keyword, "property"))


def _of(error: jsonschema_rs.ValidationError) -> tuple[int, str, str]:
    keyword = str(error.schema_path[-1]) if error.schema_path else ""
    return rank_of(keyword), "/".join(str(step)[:50] for step in error.instance_path)[:150], keyword


def _code(version: Version, kind: str) -> ErrorCode:
    if kind == "occurrence":
        return occurrence_violation(version)
    if kind == "form":
        return form_violation(version)
    return "TypeConstraintViolation" if kind == "type" else "PropertyConstraintViolation"
