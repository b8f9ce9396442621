"""What is handed out: a claim with its proof, or the proof that the log only grew, each one file of canonical JSON. Pure.

`dure_verify` reads both. Every part of a file is bound by a hash or a signature, so that no bit of it can change unseen: a
checkpoint in a file has only the signatures whose keys stand in the file.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from dure.services.carbon.transparency import canonical, notes
from dure.services.carbon.transparency.dure_verify import BUNDLE, CONSISTENCY
from dure.services.carbon.transparency.notes import Key, Note


class Proven(msgspec.Struct, frozen=True):
    """An entry's canonical bytes, its place, and the hashes that lead to the root."""

    leaf: str
    place: int
    proof: Sequence[bytes]

    def words(self) -> dict[str, Any]:
        """As it stands in a file."""
        return {"entry": canonical.decode(self.leaf.encode()), "index": self.place, "proof": _texts(self.proof)}


class Signed(msgspec.Struct, frozen=True):
    """A checkpoint with the signatures of the keys, the log's first."""

    note: Note
    keys: Sequence[Key]


def signed_by(note: Note, keys: Sequence[Key]) -> Signed:
    """A checkpoint with the good signatures of these keys only."""
    good = [(line, key) for key in keys for line in note.signatures if line.key_id == key.id and notes.good(note.text, line, key)]
    return Signed(Note(note.text, tuple(line for line, _ in good)), [key for _, key in good])


def bundle(
    entry: Proven,
    head: Signed,
    *,
    decisions: Sequence[Proven] = (),
    factors: Sequence[Proven] = (),
    readings: Sequence[str] | None = None,
) -> bytes:
    """The file of one entry.

    Parameters
    ----------
    decisions : what was decided about it since, in order
    factors : the rows of emission factors it used
    readings : readings, or digests of parts of them, whose digest is the entry's ``readings_sha256``; None where none is listed
    """
    words: dict[str, Any] = {
        **entry.words(),
        "form": BUNDLE,
        "checkpoint": str(head.note),
        "keys": [one.text() for one in head.keys],
        "decisions": [one.words() for one in decisions],
        "factors": [one.words() for one in factors],
    }
    return canonical.encode(words if readings is None else words | {"readings": list(readings)})


def consistency(first: Signed, second: Signed, proof: Sequence[bytes]) -> bytes:
    """The file that shows one checkpoint to be the beginning of another."""
    keys = dict.fromkeys(one.text() for one in (*first.keys, *second.keys))
    words = {
        "form": CONSISTENCY,
        "first": str(first.note),
        "second": str(second.note),
        "keys": list(keys),
        "proof": _texts(proof),
    }
    return canonical.encode(words)


def _texts(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(one).decode() for one in hashes]
