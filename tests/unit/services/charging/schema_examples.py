"""Payloads made from the official schemas of the package `ocpp`: the least that is valid, and everything that may be said."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import ocpp

FOLDERS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}


@cache
def schema(version: str, action: str, way: str) -> dict[str, Any]:
    """The schema of a request or response."""
    folder = Path(ocpp.__file__).parent / FOLDERS[version] / "schemas"
    ending = {"request": ("Request", ""), "response": ("Response",)}[way]
    file = next(one for end in ending if (one := folder / f"{action}{end}.json").exists())
    return json.loads(file.read_text("utf-8-sig"))


def actions(version: str) -> list[str]:
    """Every action of a version."""
    folder = Path(ocpp.__file__).parent / FOLDERS[version] / "schemas"
    names = {one.stem for one in folder.glob("*.json")}
    return sorted({name.removesuffix("Response").removesuffix("Request") for name in names})


def problems(version: str, action: str, way: str, payload: Any) -> list[str]:
    """What is wrong with a payload by its schema."""
    validator = jsonschema_rs.validator_for(schema(version, action, way), validate_formats=True)
    return [f"{'/'.join(map(str, each.instance_path))}: {each.message}" for each in validator.iter_errors(payload)]


def example(version: str, action: str, *, full: bool) -> dict[str, Any]:
    """A request: the least, or with every field the schema knows (lists with one item)."""
    whole = schema(version, action, "request")
    return _made(whole, whole.get("definitions", {}), full, 0)


def _made(one: dict[str, Any], known: dict[str, Any], full: bool, depth: int) -> Any:
    if "$ref" in one:
        one = known[one["$ref"].rsplit("/", 1)[-1]]
    if "enum" in one:
        return one["enum"][0]
    kind = one.get("type", "object")
    if kind == "object":
        wanted = one.get("required", [])
        fields = {name: each for name, each in one.get("properties", {}).items() if name != "customData"}
        return {
            name: _made(each, known, full, depth + 1) for name, each in fields.items() if name in wanted or (full and depth < 6)
        }
    if kind == "array":
        return [_made(one["items"], known, full, depth + 1)]
    if kind == "string":
        return "2026-11-24T03:00:00Z" if one.get("format") == "date-time" else "1"[: one.get("maxLength", 9)]
    least, most = one.get("minimum", 1), one.get("maximum", 1)
    return {"boolean": True, "integer": int(min(max(least, 1), most)), "number": float(min(max(least, 1), most))}[kind]
