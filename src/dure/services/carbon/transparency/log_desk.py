"""Growing the log: what waits gets places, the tree's head is signed, the key is replaced. One writer at a time.

Places, tiles, size and the signed checkpoint are kept in one transaction, so a kill at any instant leaves the log as it was or
as it is to be. Before anything is added, the tiles must still give the root that was signed last: a log that was changed, or came
back from an old backup, is never signed on (`Corrupt`, an alarm).
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from dure.core.errors import ConfigError, Corrupt
from dure.engines.records.store import Records
from dure.services.carbon.transparency import log_records, notes, signing_key, staging, tiles
from dure.services.carbon.transparency.checkpoint import Checkpoint
from dure.services.carbon.transparency.entry import Entry
from dure.services.carbon.transparency.log_records import Head, KeyRow, State
from dure.services.carbon.transparency.merkle import leaf_hash

log = structlog.get_logger("dure.carbon")


class Placed(NamedTuple):
    """What one transaction did: how many entries got places, and the newest checkpoint."""

    entries: int
    head: Head


class LogDesk:
    """The log of one city.

    Parameters
    ----------
    data : the folder with the private key
    origin : what the log is called from its first round on (C2SP: a name like an address, without spaces)
    """

    def __init__(self, records: Records, data: Path, origin: str) -> None:
        self._records = records
        self._data = data
        self._origin = origin

    def is_due(self) -> bool:
        """Whether entries wait, or the log was never signed. Only reads."""
        with self._records.read() as connection:
            return bool(log_records.any_waiting(connection)) or log_records.head(connection) is None

    def place(self, now: datetime, limit: int) -> Placed:
        """Give up to `limit` waiting entries their places and sign the tree.

        Raises
        ------
        Corrupt
            ``log.changed``: what is kept is not what was signed
        ConfigError
            ``log.key_missing``, ``secrets.exposed``, ``secrets.unreadable``
        """
        with self._records.begin() as connection:
            state = log_records.turn(connection, self._origin)
            newest = self._sound(connection, state)
            rows = log_records.waiting(connection, limit)
            if newest is not None and not rows:
                return Placed(0, newest)
            key = self._key(connection, state, now)
            size = _add(connection, state, rows, now)
            return Placed(len(rows), _sign(connection, Checkpoint(state.origin, size, b""), [key], now))

    def replace_key(self, now: datetime, limit: int, *, lost: bool = False) -> Placed:
        """Sign by a new key from now on; the checkpoint of the change has both signatures, the log an entry that says so.

        With `lost` the old private key is not there to sign any more: then only the new one signs, and who trusted the old one
        must be told the new one otherwise.
        """
        with self._records.begin() as connection:
            state = log_records.turn(connection, self._origin)
            self._sound(connection, state)
            self._finish_change(connection, state)
            private = [] if lost else [self._key(connection, state, now)]
            follower = signing_key.signing_key(self._data, signing_key.NEXT_FILE)
            new = _public(state.origin, follower)
            staging.stage(connection, [_key_entry(new, log_records.signing_keys(connection), now, lost=lost)])
            rows = log_records.waiting(connection, limit)
            size = _add(connection, state, rows, now)
            for old in log_records.signing_keys(connection)[-1:]:
                log_records.put_key(connection, KeyRow(old.vkey, old.made_at, old.since_size, size))
            log_records.put_key(connection, KeyRow(new.text(), now, size))
            head = _sign(connection, Checkpoint(state.origin, size, b""), [follower, *private], now)
        signing_key.take_over(self._data)
        log.warning("log.key_replaced", size=size, key=new.id.hex(), lost=lost)
        return Placed(len(rows), head)

    def _sound(self, connection: Connection, state: State) -> Head | None:
        """The newest checkpoint, when what is kept is still what it signs."""
        newest = log_records.head(connection)
        if newest is None:
            if state.size:
                raise Corrupt("log.changed", "The log has entries, but no checkpoint: restore the last backup.")
            return None
        try:
            root = tiles.root(newest.size, log_records.reading(connection)).hex()
        except (KeyError, IndexError):
            root = ""
        if newest.size != state.size or root != newest.root:
            raise Corrupt(
                "log.changed",
                f"The log kept here is not the one that was signed at {newest.size} entries: restore the last backup.",
                note=newest.note,
                size=state.size,
                root=root,
            )
        return newest

    def _key(self, connection: Connection, state: State, now: datetime) -> Ed25519PrivateKey:
        """The private key that signs now, made with the log."""
        self._finish_change(connection, state)
        listed = log_records.signing_keys(connection)
        if not listed or (self._data / signing_key.FILE).exists():
            private = signing_key.signing_key(self._data)
            mine = _public(state.origin, private).text()
            if not listed:
                log_records.put_key(connection, KeyRow(mine, now, state.size))
            if not listed or listed[-1].vkey == mine:
                return private
        raise ConfigError(
            "log.key_missing",
            f"{self._data / signing_key.FILE} is not the key this log signs by: restore it from a backup. "
            "If it is lost for good, run `dure carbon checkpoint --new-key --lost`.",
        )

    def _finish_change(self, connection: Connection, state: State) -> None:
        """Bring a change of keys to its end that a kill cut short: the new one is kept as the log's, but not yet in its place."""
        follower = signing_key.next_key(self._data)
        listed = log_records.signing_keys(connection)
        if follower is not None and listed and _public(state.origin, follower).text() == listed[-1].vkey:
            signing_key.take_over(self._data)


def public_key(state: State, vkey: str) -> notes.Key:
    """A key of the log from how it is kept."""
    key = notes.read_key(vkey)
    if key.name != state.origin:
        raise Corrupt("log.changed", f"The key {vkey[:80]} is not one of the log {state.origin}.")
    return key


def _add(connection: Connection, state: State, rows: list[log_records.Staged], now: datetime) -> int:
    """Places and tiles of these entries; the new size."""
    if not rows:
        return state.size
    edge = log_records.reading(connection)(tiles.edge_of(state.size))
    changed = tiles.grown(state.size, edge, [leaf_hash(row.leaf.encode()) for row in rows])
    log_records.place(connection, state.size, rows, now)
    log_records.put_tiles(connection, changed)
    return state.size + len(rows)


def _sign(connection: Connection, head: Checkpoint, private: list[Ed25519PrivateKey], now: datetime) -> Head:
    """Sign the tree of that size, and keep its checkpoint. A clock that went back does not make it older than the last one."""
    root = tiles.root(head.size, log_records.reading(connection))
    text = Checkpoint(head.origin, head.size, root).text()
    note = notes.Note(text, tuple(notes.sign(text, head.origin, one) for one in private))
    before = log_records.head(connection)
    if before is not None and before.at > now:
        log.warning("log.clock_back", size=head.size, last=before.at.isoformat(), now=now.isoformat())
    at = now if before is None else max(now, before.at)
    kept = Head(head.size, at, root.hex(), str(note))
    log_records.put_head(connection, kept)
    return kept


def _public(origin: str, private: Ed25519PrivateKey) -> notes.Key:
    return notes.Key(origin, private.public_key().public_bytes_raw())


def _key_entry(new: notes.Key, before: list[KeyRow], now: datetime, *, lost: bool) -> Entry:
    body = {"follows": before[-1].vkey if before else "", "lost": lost, "vkey": new.text()}
    return Entry(kind="rule", id=f"log-key/{new.id.hex()}", at=now, body=body)
