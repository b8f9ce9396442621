"""Proofs by a photo: taken between the start and now, and never seen before, from anybody."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import Connection

from dure.services.carbon.ledger.turn import take_turn
from dure.services.carbon.practising import photo_index, practice_desk, practice_records
from dure.services.carbon.practising.acts import Act, Proof
from dure.services.carbon.practising.photo import BITS, Look
from dure.services.carbon.practising.photo_index import PhotoIndex
from dure.services.carbon.practising.practice_desk import MoreStretches, Setting

FOLDER = "carbon/practice/"
PLACE_DIGITS = 3  # of degrees, about 100 m: enough to see that two places are far apart


class Sent(NamedTuple):
    """A photo as it was sent: of what, what it looks like, and where its bytes are kept meanwhile."""

    practice: str
    look: Look
    blob: str


def new_blob() -> str:
    """A name that tells nothing of the photo or the person."""
    return f"{FOLDER}{secrets.token_hex(20)}.jpg"


def prove(
    connection: Connection, person: str, sent: Sent, by: Setting, index: PhotoIndex, more: MoreStretches | None = None
) -> Act:
    """Prove a practice by a photo; raises as `practice_desk.prove`. The bytes of a refused photo are the caller's to delete."""
    take_turn(connection)
    begun = next(iter(practice_records.begun(connection, person, sent.practice)), None)
    bits = index.nearest(connection, sent.look)
    taken_at, where = sent.look.taken_at, sent.look.place
    proof = Proof(
        kind="photo", done_at=taken_at or by.at, quantity=by.rules.practice(sent.practice).base,
        once=f"photo/{sent.look.pixels_sha256}", code=_code(sent.look, bits, begun, by),
        lat=round(where.lat, PLACE_DIGITS) if where else None, lon=round(where.lon, PLACE_DIGITS) if where else None,
        facts={"differs_bits": bits} if bits < BITS else {},
    )  # fmt: skip
    act = practice_desk.prove(connection, person, sent.practice, proof, by, more)
    if act.state in ("awarded", "doubtful"):
        photo_index.put(connection, act.id, sent.look, sent.blob, by.at)
    return act


def _code(seen: Look, bits: int, begun: Act | None, by: Setting) -> str:
    """What the picture itself says against it; the weightiest first."""
    limits = by.rules.limits
    slack = timedelta(seconds=limits.ahead_s)
    if seen.flat:
        return "practice.photo_blank"
    if bits <= limits.photo_copy_bits:
        return "practice.photo_copied"
    if seen.taken_at is not None:
        since = begun.started_at if begun else by.at - timedelta(hours=limits.begun_h)
        if not since - slack <= seen.taken_at <= by.at + slack:
            return "practice.photo_time"
    if bits <= limits.photo_near_bits:
        return "practice.photo_near"
    return "practice.photo_undated" if seen.taken_at is None else ""
