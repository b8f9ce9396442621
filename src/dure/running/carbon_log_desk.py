"""What `dure carbon` asks the transparency log, of a city that runs or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.errors import Conflict
from dure.core.time import day_of
from dure.engines.clock import SystemClock
from dure.running.kept_records import kept_records
from dure.running.one_part import city_of
from dure.services.carbon.claiming import claim_bundle
from dure.services.carbon.transparency import log_records, proof_desk, tiles, witness_desk
from dure.services.carbon.transparency.log_desk import LogDesk
from dure.services.carbon.transparency.log_rules import log_rules
from dure.services.carbon.transparency.log_watch import origin_of
from dure.services.carbon.transparency.merkle import leaf_hash

if TYPE_CHECKING:
    from dure.config import Settings


def checkpoint(settings: Settings) -> str:
    """The newest checkpoint with all its signatures."""
    with kept_records(settings) as records, records.read() as connection:
        return str(proof_desk.note_of(connection, proof_desk.head_of(connection)))


def new_key(settings: Settings, *, lost: bool) -> str:
    """Replace the log's key; the checkpoint of the change."""
    city, now = city_of(settings), SystemClock().now()
    batch_n = log_rules(day_of(now, city.zone), city.folder).batch_n
    with kept_records(settings) as records:
        desk = LogDesk(records, settings.data, origin_of(settings, city.id))
        return desk.replace_key(now, batch_n, lost=lost).head.note


def bundle(settings: Settings, key: str) -> bytes:
    """The file of an entry."""
    with kept_records(settings) as records, records.read() as connection:
        return claim_bundle.bundle_of(connection, key)


def differing(settings: Settings) -> list[int]:
    """Sizes of kept checkpoints whose root is not the one the entries give: the whole tree is built again."""
    made: dict[tuple[int, int], bytes] = {}
    with kept_records(settings) as records, records.read() as connection:
        size = 0
        while page := log_records.leaves(connection, size, size + log_records.PAGE):
            edge = {one: made[one] for one in tiles.edge_of(size)}
            made |= tiles.grown(size, edge, [leaf_hash(one.leaf.encode()) for one in page])
            size += len(page)
        heads = log_records.all_heads(connection)
    return [
        one.size
        for one in heads
        if one.size > size or tiles.root(one.size, lambda wanted: {key: made[key] for key in wanted}).hex() != one.root
    ]


def cosign(settings: Settings, note: str, key: str, proof: bytes) -> str:
    """Our signature line of another log's checkpoint; two roots of one size are kept as an alarm."""
    now = SystemClock().now()
    with kept_records(settings) as records:
        hashes = witness_desk.proof_from(proof) if proof else []
        try:
            with records.begin() as connection:
                return witness_desk.cosign(connection, note, key, hashes, (settings.data, now))
        except Conflict as error:
            if error.code == "log.split_view":
                with records.begin() as connection:
                    witness_desk.report_split_view(connection, error, now)
            raise
