"""Domain facts, commands and claims on the books."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from dure.core.time import Interval

Outcome = Literal["pending", "accepted", "done", "rejected", "expired"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact of the city with the fields of CloudEvents 1.0; `type` reads like ``environment.asset.released``."""

    id: str
    type: str
    source: str
    time: datetime
    subject: str = ""
    data: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    specversion: Literal["1.0"] = "1.0"


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Something an asset is asked to do, once (`key`), before `expires_at`."""

    id: str
    asset: str
    name: str
    key: str
    issued_at: datetime
    expires_at: datetime
    arguments: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    outcome: Outcome = "pending"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """An event's claim on the books: a whole quantity with unit and interval, and where it came from."""

    event: str
    quantity: int
    unit: Literal["Wh", "gCO2e", "KRW", "g", "L", "m"]
    interval: Interval
    readings_sha256: str
    method: str
    factors: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided, from what, and why; stored before it is acted on so that ``dure explain`` can show it."""

    id: str
    kind: str
    decided_at: datetime
    inputs: dict[str, Any]
    result: dict[str, Any]
    reasons: tuple[str, ...]
    versions: dict[str, str]
