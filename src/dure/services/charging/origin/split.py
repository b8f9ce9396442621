"""What a session got, by origin: asked by the settlement, which waits until it is final."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from dure.engines.records.tables_charging_origin import charging_origin_splits as splits


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Wh of a session by origin, as booked.

    Attributes
    ----------
    energy_wh : what the session took in all; once `final` the four parts sum to it
    final : the session has ended and every interval of it is booked; a read that comes late may still correct it
    """

    session: str
    site: str
    energy_wh: int
    pv_wh: int
    ess_pv_wh: int
    ess_grid_wh: int
    grid_wh: int
    final: bool
    booked_at: datetime

    @property
    def renewable_wh(self) -> int:
        """From PV, directly and through storage."""
        return self.pv_wh + self.ess_pv_wh


def split_from(row: RowMapping) -> Split:
    """A split as it is kept."""
    return Split(**{**row, "final": bool(row["final"])})


def booked(connection: Connection, session: str) -> Split | None:
    """What is booked of a session so far, final or not."""
    row = connection.execute(select(splits).where(splits.c.session == session)).mappings().one_or_none()
    return None if row is None else split_from(row)


def split_of(connection: Connection, session: str) -> Split | None:
    """The split of a session once it is final; None while intervals of it are not booked."""
    found = booked(connection, session)
    return found if found is not None and found.final else None
