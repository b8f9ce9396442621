"""Sessions of a site, as the ledger asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from typing import cast

from sqlalchemy import Connection

from dure.services.charging.sessions.model import Session


def overlapping(connection: Connection, site: str, start: datetime, end: datetime) -> Sequence[Session]:
    """Sessions of a site that overlap a span of time."""
    records = import_module("dure.services.charging.sessions.session_records")
    return cast("Sequence[Session]", records.overlapping(connection, site, start, end))
