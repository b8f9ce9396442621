"""Emission factors as entries of the log: anyone can see since when the city counts by which number. Pure.

Each row of the factor table is one entry; a row whose words change is another entry, the old one stays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any

import msgspec

from dure.emissions.table import Factor
from dure.services.carbon.transparency import canonical
from dure.services.carbon.transparency.entry import Entry

PREFIX = "factor"


def factor_entries(rows: Iterable[Factor]) -> list[Entry]:
    """An entry of each row, dated by the day it was published."""
    return [_entry(row) for row in rows]


def _entry(row: Factor) -> Entry:
    words = {name: _plain(value) for name, value in msgspec.structs.asdict(row).items() if value not in (None, "")}
    digest = hashlib.sha256(canonical.encode(words)).hexdigest()[:12]
    at = datetime.combine(row.published_at, time(), UTC)
    return Entry(kind="rule", id=f"{PREFIX}/{row.id}/{digest}", at=at, body={"row": words})


def _plain(value: Any) -> Any:
    """A value as canonical JSON may say it: decimals as text."""
    if isinstance(value, float):
        return repr(value)
    return value.isoformat() if isinstance(value, date) else value
