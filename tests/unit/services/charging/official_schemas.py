"""The official schemas of OCPP as the `ocpp` package carries them, for tests of what virtual chargers say."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema_rs

FOLDERS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}


@cache
def _validator(version: str, name: str) -> Any:
    folder = files("ocpp") / FOLDERS[version] / "schemas"
    return jsonschema_rs.validator_for(json.loads((folder / f"{name}.json").read_text("utf-8-sig")))


def check_request(version: str, action: str, payload: Any) -> None:
    """Refuse a request that the standard would not know."""
    _validator(version, action if version == "ocpp1.6" else f"{action}Request").validate(json.loads(json.dumps(payload)))


def check_response(version: str, action: str, payload: Any) -> None:
    """Refuse a response that the standard would not know."""
    _validator(version, f"{action}Response").validate(json.loads(json.dumps(payload)))
