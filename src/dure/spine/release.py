"""Out of quarantine: an asset whose first readings are plausible goes live, from a stated place in the stream.

The place is kept, so that reading the stream again gives every row the flag it had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import bindparam, select, update

from dure.core.events import Event
from dure.engines.records import events
from dure.engines.records.tables import assets, devices

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import Connection


def release(connection: Connection, plausible: Mapping[str, int], good_n: int, *, live_from_seq: int, now: datetime) -> list[str]:
    """Count plausible readings of quarantined assets; those that reach `good_n` go live. Their ids are returned."""
    if not plausible:
        return []
    waiting = connection.execute(
        select(assets.c.id, assets.c.good_n).where(assets.c.state == "quarantined", assets.c.id.in_(list(plausible)))
    ).all()
    counted = [{"asset": row.id, "n": row.good_n + plausible[row.id]} for row in waiting if plausible[row.id]]
    if counted:
        connection.execute(update(assets).where(assets.c.id == bindparam("asset")).values(good_n=bindparam("n")), counted)
    ready = [str(row["asset"]) for row in counted if int(str(row["n"])) >= good_n]
    for asset in ready:
        release_now(connection, asset, live_from_seq=live_from_seq, now=now, why=f"{good_n} plausible readings")
    return ready


def release_now(connection: Connection, asset: str, *, live_from_seq: int, now: datetime, why: str) -> None:
    """Put one asset and its devices live, with the event that says so."""
    connection.execute(
        update(assets).where(assets.c.id == asset).values(state="live", live_from_seq=live_from_seq, updated_at=now)
    )
    connection.execute(update(devices).where(devices.c.asset == asset, devices.c.state == "quarantined").values(state="live"))
    released = Event(id=uuid4().hex, type="asset.released", source="dure/recorder", time=now, subject=asset, data={"why": why})
    events.announce(connection, [released], now)
