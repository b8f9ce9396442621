"""Reading the log: checkpoints, proofs and bundles for those who ask, and what others' checkpoints say of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from dure.core.errors import InputError, NotFound
from dure.services.carbon.model import Refused
from dure.services.carbon.transparency import bundles, canonical, log_records, notes, tiles, witness_records
from dure.services.carbon.transparency.bundles import Proven, Signed
from dure.services.carbon.transparency.checkpoint import BEHIND, SPLIT_VIEW, Checkpoint, read_checkpoint
from dure.services.carbon.transparency.log_records import Head, Leaf
from dure.services.carbon.transparency.notes import Note

STATES = ("reserved", "awarded", "refused", "withdrawn", "retired", "cancelled")


def decided_as(ident: str) -> list[str]:
    """The entries of all that may be decided about a claim."""
    return [f"decision/{ident}/{state}" for state in STATES]


def entries_of(connection: Connection, ident: str) -> list[Leaf]:
    """Entries of a claim that have a place, in order: itself, then what was decided about it."""
    return log_records.leaves_of(connection, [f"claim/{ident}", *decided_as(ident)])


def note_of(connection: Connection, head: Head) -> Note:
    """A checkpoint with the log's signatures and all cosignatures that came since."""
    lines = [notes.read_line(one.line) for one in witness_records.of_size(connection, head.size)]
    own = notes.read_note(head.note)
    return Note(own.text, (*own.signatures, *lines))


def head_of(connection: Connection, size: int | None = None) -> Head:
    """The kept checkpoint of a size, or the newest.

    Raises
    ------
    NotFound
        ``log.checkpoint_unknown``
    """
    head = log_records.head(connection, size)
    if head is None:
        what = "is not signed yet" if size is None else f"has no checkpoint of {size} entries; ask for one of the list"
        raise NotFound("log.checkpoint_unknown", f"The log {what}.")
    return head


def signed_of(connection: Connection, head: Head) -> Signed:
    """A checkpoint with its keys: the log's own, the newest first, then witnesses'."""
    own = [notes.read_key(one.vkey) for one in log_records.signing_keys(connection)][::-1]
    others = [notes.read_key(one.vkey) for one in witness_records.listed(connection)]
    return bundles.signed_by(note_of(connection, head), [*own, *others])


def bundle_of(connection: Connection, key: str, readings: Sequence[str] | None = None) -> bytes:
    """The file of an entry (``claim/clm-…``) with all that was decided about it and the factor rows it used.

    Raises
    ------
    NotFound
        ``log.entry_unknown``, ``log.checkpoint_unknown``
    """
    entry, head = log_records.leaf(connection, key), head_of(connection)
    read = log_records.reading(connection)

    def proven(one: Leaf) -> Proven:
        return Proven(one.leaf, one.place, tiles.inclusion(one.place, head.size, read))

    kind, _, ident = key.partition("/")
    body = canonical.decode(entry.leaf.encode())["body"]
    decided = decided_as(ident) if kind == "claim" else []
    return bundles.bundle(
        proven(entry),
        signed_of(connection, head),
        decisions=[proven(one) for one in log_records.leaves_of(connection, decided)],
        factors=[proven(one) for one in _factor_leaves(connection, body.get("factors", ()))],
        readings=readings,
    )


def consistency_of(connection: Connection, first: int, second: int) -> bytes:
    """The file that shows the kept checkpoint of one size to be the beginning of that of another.

    Raises
    ------
    NotFound
        ``log.checkpoint_unknown``
    InputError
        ``log.order`` when the first is the larger
    """
    if first > second:
        raise InputError("log.order", f"A tree of {first} entries is not the beginning of one of {second}.")
    heads = [signed_of(connection, head_of(connection, size)) for size in (first, second)]
    return bundles.consistency(heads[0], heads[1], tiles.consistency(first, second, log_records.reading(connection)))


def confronted(connection: Connection, text: str) -> Refused | None:
    """What a checkpoint that somebody was shown says of our log: None when it is one of ours and the log still begins by it.

    Raises
    ------
    InputError
        ``log.note_unreadable``, ``log.checkpoint_unreadable``, ``log.signature`` when we never signed it
    """
    note = notes.read_note(text)
    shown = read_checkpoint(note.text)
    own = [notes.read_key(one.vkey) for one in log_records.signing_keys(connection)]
    if not any(notes.signed(note, key) for key in own):
        raise InputError("log.signature", "This checkpoint is not signed by a key of this log.")
    state = log_records.state(connection)
    size = 0 if state is None else state.size
    if shown.size > size:
        return Refused("log.behind", BEHIND)
    now = Checkpoint(shown.origin, shown.size, tiles.root(shown.size, log_records.reading(connection)))
    return Refused("log.split_view", SPLIT_VIEW) if now != shown else None


def _factor_leaves(connection: Connection, rows: Iterable[Any]) -> list[Leaf]:
    """Of each factor row the entry that says what it is."""
    found = [log_records.newest_leaf(connection, f"rule/factor/{row}/") for row in rows if isinstance(row, str)]
    return [one for one in found if one is not None]
