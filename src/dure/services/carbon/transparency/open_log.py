"""The log as others fetch it: tiles and bundles of entries after C2SP tlog-tiles, days, the verifier; and what they bring."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from dure.core.errors import NotFound
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.engines.records.store import Records
from dure.services.carbon.model import Refused
from dure.services.carbon.transparency import dure_verify, log_records, proof_desk, tiles, witness_desk, witness_records
from dure.services.carbon.transparency.alarms import raise_alarm
from dure.services.carbon.transparency.log_records import Head
from dure.services.carbon.transparency.tiles import PUBLIC_WIDTH
from dure.services.carbon.transparency.witness_records import Witness

ENTRIES = "entries"
LEVELS = 8  # 256^8 entries are more than a size can say
_PATH = re.compile(r"((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?", re.ASCII)


def tile(connection: Connection, level: str, path: str) -> bytes:
    """A tile of hashes or, of the level ``entries``, a bundle of entries.

    Parameters
    ----------
    path : ``x001/x234/067`` for tile 1,234,067, with ``.p/W`` behind it for its first W

    Raises
    ------
    NotFound
        ``log.tile_unknown``: it is not written so, or not there in that width
    """
    found = _PATH.fullmatch(path)
    number = int(found[1].replace("/", "").replace("x", "")) if found and len(path) < 40 else -1
    width = int(found[2]) if found and found[2] else PUBLIC_WIDTH
    state = log_records.state(connection)
    size = 0 if state is None else state.size
    depth = 0 if level == ENTRIES else int(level) if re.fullmatch(r"\d", level, re.ASCII) else LEVELS
    known = size >> (8 * depth)
    if number < 0 or depth >= LEVELS or (found and found[2] and width >= PUBLIC_WIDTH) or number * PUBLIC_WIDTH + width > known:
        raise NotFound("log.tile_unknown", f"The log has no tile {level[:10]}/{path[:60]}.")
    if level == ENTRIES:
        start = number * PUBLIC_WIDTH
        leaves = [one.leaf.encode() for one in log_records.leaves(connection, start, start + width)]
        return b"".join(len(one).to_bytes(2, "big") + one for one in leaves)
    return tiles.public_tile(depth, number, width, log_records.reading(connection))


def of_day(connection: Connection, day: str) -> Head:
    """The checkpoint published on a local day; ``log.checkpoint_unknown`` when there is none."""
    published = log_records.published_on(connection, day)
    if published is None:
        raise NotFound("log.checkpoint_unknown", f"No checkpoint was published on {day[:20]!r}.")
    return proof_desk.head_of(connection, published.size)


def confront(records: Records, note: str, at: datetime) -> Refused | None:
    """What a checkpoint somebody was shown says of the log; one that does not fit it is kept as an alarm."""
    with records.read() as connection:
        refused = proof_desk.confronted(connection, note)
        newest = log_records.head(connection)
    if refused is not None:
        with records.begin() as connection:
            raise_alarm(connection, refused.code, {"shown": note, "newest": "" if newest is None else newest.note}, at)
    return refused


def add_witness(connection: Connection, vkey: str, label: str, by: str, at: datetime) -> Witness:
    """Take a witness's signatures from now on; who said so stands in the audit log."""
    one = witness_desk.add_witness(connection, vkey, label, at)
    audit.append(connection, By(by, at), "manage", "programme", "carbon-log", {"witness": {"vkey": one.vkey, "label": one.label}})
    return one


def end_witness(connection: Connection, vkey: str, by: str, at: datetime) -> None:
    """Take no more of a witness's signatures; those that are kept stay."""
    if witness_records.end(connection, vkey, at):
        audit.append(connection, By(by, at), "manage", "programme", "carbon-log", {"witness_ended": {"vkey": vkey}})


@cache
def verifier() -> str:
    """The words of the one-file verifier."""
    return Path(dure_verify.__file__).read_text("utf-8")
