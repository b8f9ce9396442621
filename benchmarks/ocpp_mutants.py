"""Frames that are nearly right: valid messages of every action a station may ask, changed in one place or two. Seeded."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

from dure.protocols.ocpp import schemas
from dure.protocols.ocpp.actions import Version, station_asks

VERSIONS: tuple[Version, ...] = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
STAMP = "2026-11-26T09:00:00Z"
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 1.0, 0.5, 2**31, 2**53 + 1, -(2**63), 10**30, 1e300, "", " ", "x", "x" * 300, "한국어", "\0",
    "\u202e", "null", "1", STAMP, "2026-11-26T09:00:00", "2026-13-40T25:61:61Z", [], [None], [[]], {}, {"a": 1},
    {"vendorId": "v"},
)  # fmt: skip
STRANGE_BYTES = (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\0", b"NaN", b"1e999")


def example(schema: dict[str, Any], root: dict[str, Any], dice: random.Random, depth: int = 0) -> Any:  # noqa: PLR0911  # one for each type
    """A value that is valid by a schema; fields that may be missing are there in half of the cases."""
    if "$ref" in schema:
        return example(root["definitions"][schema["$ref"].rsplit("/", 1)[1]], root, dice, depth)
    if "enum" in schema:
        return dice.choice(schema["enum"])
    kind = schema.get("type", "object")
    if kind == "object":
        needed = set(schema.get("required", ()))
        fields = schema.get("properties", {}).items()
        return {
            name: example(one, root, dice, depth + 1)
            for name, one in fields
            if name in needed or (depth < 4 and dice.random() < 0.5)
        }
    if kind == "array":
        least = schema.get("minItems", 0)
        return [example(schema["items"], root, dice, depth + 1) for _ in range(max(least, dice.randint(0, 2)))]
    if kind == "string":
        return STAMP if schema.get("format") == "date-time" else "x" * min(schema.get("maxLength", 8), 8)
    if kind == "boolean":
        return dice.random() < 0.5
    low, high = schema.get("minimum", 0), schema.get("maximum", 100)
    return dice.randint(int(low), max(int(low), int(min(high, low + 100))))


def seeds(dice: random.Random) -> dict[Version, list[tuple[str, dict[str, Any]]]]:
    """Valid payloads by version, a few of every action."""
    return {
        version: [
            (action, example(ways["request"], ways["request"], dice))
            for action, ways in sorted(schemas.bundle()[version].items())
            if station_asks(version, action)
            for _ in range(6)
        ]
        for version in VERSIONS
    }


def places(part: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something can be changed."""
    found = [at] if at else []
    items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in items:
        found += places(value, (*at, key))
    return found


def changed(payload: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A payload changed in one place."""
    found = copy.deepcopy(payload)
    where = dice.choice(places(found) or [()])
    if not where or dice.random() < 0.1:
        return found | {dice.choice(["mood", "customData", "idTag", ""]): dice.choice(STRANGE)}
    holder = found
    for key in where[:-1]:
        holder = holder[key]
    if dice.random() < 0.35:
        del holder[where[-1]]
    else:
        holder[where[-1]] = copy.deepcopy(dice.choice(STRANGE))
    return found


def framed(number: int, action: str, payload: Any, dice: random.Random) -> list[Any] | Any:
    """A frame, seldom one that is wrong itself."""
    name = f"{number}.{number * 7_919 % 99_991}"  # so that a changed digit does not make another frame's id
    frame: list[Any] = [2, name, action, payload]
    lot = dice.random()
    if lot < 0.85:
        return frame
    if lot < 0.88:
        frame[0] = dice.choice([0, 1, 3, 4, 5, 6, 7, 2.0, "2", None, True, [], -2])
    elif lot < 0.91:
        frame[1] = dice.choice([number, None, "", name.rjust(36, "x"), "x" * 37, [], {}, True])
    elif lot < 0.94:
        frame[2] = dice.choice(
            [None, 5, "", "Sing", "Reset", "heartbeat", "SetVariables", [], "StartTransaction", "TransactionEvent"]
        )
    elif lot < 0.96:
        frame[3] = copy.deepcopy(dice.choice(STRANGE))
    elif lot < 0.98:
        del frame[dice.randrange(4)]
    else:
        frame.append(copy.deepcopy(dice.choice(STRANGE)))
    return frame


def spoiled(message: bytes, dice: random.Random) -> bytes:
    """Bytes changed on the way."""
    at, lot = dice.randrange(len(message)), dice.randrange(7)
    if lot == 0:
        return message[:at]
    if lot == 1:
        return message[:at] + bytes([dice.randrange(256)]) + message[at + 1 :]
    if lot == 2:
        return (
            message[:at]
            + dice.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"\0", b"NaN", b"1e999"])
            + message[at:]
        )
    if lot == 3:
        return message + dice.choice([b",", b"]", b"{}", message])
    if lot == 4:
        return b"[" * 5_000 + message
    return dice.choice([b"", b" ", b"[]", b"{}", b"null", b'"2"', b"[2]", b"[[2]]", b"2"]) if lot == 5 else message[at:]


class Mutants:
    """Frames one after the other, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)  # noqa: S311  # a seeded choice of test cases
        self._seeds = seeds(self._dice)

    def next(self, number: int, version: Version) -> bytes:
        """The next frame; its message id is its number unless that was changed."""
        dice = self._dice
        action, payload = dice.choice(self._seeds[version])
        for _ in range(dice.choice((0, 1, 1, 1, 2))):
            payload = changed(payload, dice)
        message = json.dumps(framed(number, action, payload, dice), ensure_ascii=dice.random() < 0.5).encode("utf-8", "replace")
        return spoiled(message, dice) if dice.random() < 0.1 else message
