"""The file of a claim for those who check it: its entry with proof, and what its digest of readings is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.services.carbon.claiming import claim_records
from dure.services.carbon.transparency import proof_desk

if TYPE_CHECKING:
    from sqlalchemy import Connection


def bundle_of(connection: Connection, key: str) -> bytes:
    """The file of an entry of the log (``claim/clm-…``); raises what `proof_desk.bundle_of` raises."""
    kind, _, ident = key.partition("/")
    kept = claim_records.find(connection, ident) if kind == "claim" else None
    listed = kept.working.readings if kept is not None and kept.working is not None else ()
    return proof_desk.bundle_of(connection, key, listed or None)
