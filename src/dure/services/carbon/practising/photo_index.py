"""Photos of all people that were kept before, in memory, so that a copy is found at once; read on from the records each time."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Connection, delete, select, update

from dure.engines.records import dialect
from dure.engines.records.tables_carbon_practices import carbon_practice_photos as photos
from dure.services.carbon.practising.photo import BITS, HashArray, Look, distances

SIGN = 1 << 63
GROWN_BY = 4_096


class Gone(NamedTuple):
    """A photo whose bytes are to be deleted; `whole` when nothing of it may stay."""

    n: int
    blob: str
    whole: bool


class PhotoIndex:
    """Hashes of all photos; ask it within the transaction that keeps the next, so that none slips in between."""

    def __init__(self) -> None:
        self._n = np.empty(0, dtype=np.int64)
        self._hashes: HashArray = np.empty((2, 0), dtype=np.uint64)
        self._size = 0

    def nearest(self, connection: Connection, seen: Look) -> int:
        """Bits in which a photo differs from the nearest that is kept; `BITS` when there is none. 0: its pixels are the same."""
        same = select(photos.c.n).where(photos.c.pixels_sha256 == seen.pixels_sha256).limit(1)
        if connection.execute(same).first() is not None:
            return 0
        self._read_on(connection)
        found = distances(seen.ways, self._hashes[0, : self._size], self._hashes[1, : self._size])
        for at in np.argsort(found, kind="stable")[:GROWN_BY]:  # an erased one is passed over
            if self._is_kept(connection, int(self._n[at])):
                return int(found[at])
        return BITS

    def _read_on(self, connection: Connection) -> None:
        last = int(self._n[self._size - 1]) if self._size else -1
        query = select(photos.c.n, photos.c.across, photos.c.down).where(photos.c.n > last, photos.c.pixels_sha256 != "")
        rows = connection.execute(query.order_by(photos.c.n)).all()
        end = self._size + len(rows)
        if end > len(self._n):
            self._n = np.resize(self._n, end + GROWN_BY)
            grown = np.zeros((2, end + GROWN_BY), dtype=np.uint64)
            grown[:, : self._size] = self._hashes[:, : self._size]
            self._hashes = grown
        for at, row in enumerate(rows, self._size):
            self._n[at], self._hashes[:, at] = row.n, (_unsigned(row.across), _unsigned(row.down))
        self._size = end

    @staticmethod
    def _is_kept(connection: Connection, n: int) -> bool:
        query = select(photos.c.n).where(photos.c.n == n, photos.c.pixels_sha256 != "")
        return connection.execute(query).first() is not None


def put(connection: Connection, act: str, seen: Look, blob: str, at: datetime) -> None:
    """Keep what a photo looks like, and where it is."""
    across, down = (int(one) for one in seen.ways[0])
    row: dict[str, Any] = {
        "act": act, "pixels_sha256": seen.pixels_sha256, "across": _signed(across), "down": _signed(down), "blob": blob,
        "kept_at": at, "gone_at": None,
    }  # fmt: skip
    dialect.insert_new(connection, photos, [row])


def blob_of(connection: Connection, act: str) -> str:
    """Where the photo of an act is kept; empty when there is none any more."""
    return str(connection.execute(select(photos.c.blob).where(photos.c.act == act)).scalar_one_or_none() or "")


def erase(connection: Connection, acts: list[str], at: datetime) -> int:
    """Nothing of these acts' photos may stay: hashes go now, the bytes as soon as they can."""
    rows = connection.execute(select(photos.c.n).where(photos.c.act.in_(acts))).scalars().all()
    for n in rows:
        values = {"act": f"gone-{n}", "pixels_sha256": "", "across": 0, "down": 0, "gone_at": at}
        connection.execute(update(photos).where(photos.c.n == n).values(**values))
    return len(rows)


def grow_old(connection: Connection, before: datetime) -> int:
    """Photos kept before an instant: their bytes go, what tells a copy from them stays."""
    old = (photos.c.kept_at < before, photos.c.gone_at.is_(None), photos.c.blob != "")
    return connection.execute(update(photos).where(*old).values(gone_at=before)).rowcount


def gone(connection: Connection, limit: int = 100) -> list[Gone]:
    """Photos whose bytes are still to be deleted."""
    query = select(photos.c.n, photos.c.blob, photos.c.pixels_sha256).where(photos.c.gone_at.is_not(None))
    query = query.where((photos.c.blob != "") | (photos.c.pixels_sha256 == "")).order_by(photos.c.n).limit(limit)
    return [Gone(row.n, row.blob, row.pixels_sha256 == "") for row in connection.execute(query)]


def settled(connection: Connection, one: Gone) -> None:
    """Its bytes are deleted."""
    if one.whole:
        connection.execute(delete(photos).where(photos.c.n == one.n))
    else:
        connection.execute(update(photos).where(photos.c.n == one.n).values(blob=""))


def _signed(value: int) -> int:
    return value - (SIGN << 1) if value >= SIGN else value


def _unsigned(value: int) -> int:
    return value + (SIGN << 1) if value < 0 else value
