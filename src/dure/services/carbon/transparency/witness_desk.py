"""Witnesses: we take others' signatures of our checkpoints, and give ours to other logs, never against what we saw of them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from dure.core.errors import Conflict, InputError
from dure.core.time import from_us
from dure.services.carbon.transparency import canonical, log_records, notes, proof_desk, signing_key, witness_records
from dure.services.carbon.transparency.alarms import raise_alarm
from dure.services.carbon.transparency.checkpoint import compared, read_checkpoint
from dure.services.carbon.transparency.witness_records import Cosignature, Seen, Witness

US_PER_S = 1_000_000
LABEL_MAX = 100


def add_witness(connection: Connection, vkey: str, label: str, at: datetime) -> Witness:
    """Take a witness's cosignatures from now on.

    Raises
    ------
    InputError
        ``log.key_unreadable``, ``log.witness_key`` when it is not a key for cosignatures, ``log.witness_label``
    """
    key = notes.read_key(vkey)
    if key.kind != notes.WITNESS:
        raise InputError("log.witness_key", "A witness's key is one for cosignatures (kind 4 of C2SP signed-note).")
    if not 0 < len(label.strip()) <= LABEL_MAX:
        raise InputError("log.witness_label", f"Say in 1 to {LABEL_MAX} characters who the witness is.")
    one = Witness(key.text(), label.strip(), at)
    witness_records.add(connection, one)
    return one


def take_cosignature(connection: Connection, size: int, line: str, now: datetime, ahead: timedelta) -> Cosignature:
    """Keep a witness's signature line of our checkpoint of a size.

    Parameters
    ----------
    ahead : so far the witness's clock may be ahead of ours

    Raises
    ------
    NotFound
        ``log.checkpoint_unknown``
    InputError
        ``log.note_unreadable``, ``log.witness_unknown``, ``log.signature``, ``log.cosignature_time``
    """
    signature = notes.read_line(line.strip())
    head = proof_desk.head_of(connection, size)
    known = [notes.read_key(one.vkey) for one in witness_records.listed(connection) if one.ended_at is None]
    key = next((one for one in known if (one.name, one.id) == (signature.name, signature.key_id)), None)
    if key is None:
        raise InputError("log.witness_unknown", f"{signature.name[:80]} is no witness of this log; an officer adds its key.")
    if not notes.good(notes.read_note(head.note).text, signature, key):
        raise InputError("log.signature", "The signature does not fit our checkpoint of that size and the witness's key.")
    signed_s = notes.cosigned_at_s(signature)
    if signed_s > (now + ahead).timestamp():
        raise InputError("log.cosignature_time", "It was signed in the future: the witness's clock, or ours, is wrong.")
    one = Cosignature(size, key.text(), from_us(signed_s * US_PER_S), signature.line())
    witness_records.put(connection, one)
    return one


def cosign(connection: Connection, note: str, other: str, proof: Sequence[bytes], own: tuple[Path, datetime]) -> str:
    """Our signature line of another log's checkpoint, once it is shown to follow the one we signed before.

    Parameters
    ----------
    note, other : the checkpoint, and the key of the log that we trust to be its own
    proof : that the checkpoint we saw last is the beginning of this one; not needed for the first
    own : the data folder with our key; when

    Raises
    ------
    InputError
        ``log.note_unreadable``, ``log.checkpoint_unreadable``, ``log.key_unreadable``, ``log.signature``, ``log.not_begun``
    Conflict
        ``log.smaller``, ``log.inconsistent``, ``log.split_view`` (which also is an alarm)
    """
    data, at = own
    shown, key = notes.read_note(note), notes.read_key(other)
    now = read_checkpoint(shown.text)
    if key.kind != notes.LOG or key.name != now.origin or not notes.signed(shown, key):
        raise InputError("log.signature", "The checkpoint is not signed by that key of that log.")
    seen = witness_records.seen_of(connection, now.origin)
    if seen is not None:
        before = notes.read_note(seen.note)
        refused = compared(read_checkpoint(before.text), now, proof)
        if refused is not None:
            raise Conflict(refused.code, refused.reason.en or "", first=seen.note, second=note)
    witness_records.see(connection, Seen(now.origin, now.size, at, note))
    state = log_records.state(connection)
    if state is None:
        raise InputError("log.not_begun", "This city has no log of its own yet, so no name to sign by.")
    return notes.cosign(shown.text, state.origin, signing_key.signing_key(data), int(at.timestamp())).line()


def own_witness_key(connection: Connection, data: Path) -> notes.Key | None:
    """The key others add to take our cosignatures; None before the log's first round."""
    state = log_records.state(connection)
    if state is None:
        return None
    public = signing_key.signing_key(data).public_key().public_bytes_raw()
    return notes.Key(state.origin, public, notes.WITNESS)


def report_split_view(connection: Connection, error: Conflict, at: datetime) -> None:
    """Keep and tell the two checkpoints of one size that a log signed."""
    evidence = {name: str(error.detail[name]) for name in ("first", "second")}
    raise_alarm(connection, error.code, evidence, at)


def proof_from(content: bytes) -> list[bytes]:
    """The hashes of a file that shows growth (`bundles.consistency`)."""
    words = canonical.decode(content)
    proof = words.get("proof") if isinstance(words, dict) else None
    if not isinstance(proof, list) or not all(isinstance(one, str) for one in proof):
        raise InputError("log.proof_unreadable", "This is no proof of growth.")
    try:
        return [base64.b64decode(one, validate=True) for one in proof]
    except ValueError as error:
        raise InputError("log.proof_unreadable", "This is no proof of growth.") from error
