"""Signed notes (C2SP signed-note v1): a text, an empty line, and lines of signatures by keys with names. Pure.

A signature line is ``— NAME BASE64``; the bytes are the key's id (4) and the signature. The id is the beginning of
``SHA-256(name 0x0A kind key)``. Two kinds are known here: Ed25519 of the text (0x01), by which the log signs, and a witness's
cosignature (0x04, C2SP tlog-cosignature v1), which has its time in front and signs that too. Lines of other keys are let be.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from dure.core.errors import InputError

Kind = Literal[1, 4]
LOG: Kind = 1
WITNESS: Kind = 4
ID_BYTES = 4
TIME_BYTES = 8
SIGNATURE_BYTES = 64
TEXT_BYTES_MAX = 1_000_000
_DASH = "— "


class Key(msgspec.Struct, frozen=True):
    """A public key with its name: whose signature a line is.

    Attributes
    ----------
    name : without spaces and plus signs; of a log its origin
    public : (32,) bytes of the Ed25519 key after RFC 8032
    """

    name: str
    public: bytes
    kind: Kind = LOG

    @property
    def id(self) -> bytes:
        """The four bytes a signature begins with."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:ID_BYTES]

    def text(self) -> str:
        """The key as one word (a *vkey*): ``name+id+base64``."""
        return f"{self.name}+{self.id.hex()}+{_b64(bytes([self.kind]) + self.public)}"


class Signature(msgspec.Struct, frozen=True):
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """As it stands in the note, without the newline."""
        return f"{_DASH}{self.name} {_b64(self.key_id + self.signature)}"


class Note(msgspec.Struct, frozen=True):
    """A text, which ends with a newline, and who signed it."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return "".join((self.text, "\n", *(f"{one.line()}\n" for one in self.signatures)))


def read_key(text: str) -> Key:
    """The key of a vkey.

    Raises
    ------
    InputError
        ``log.key_unreadable``
    """
    name, _, rest = text.strip().partition("+")
    key_id, _, content = rest.partition("+")
    kind_and_key = _bytes(content)
    if _is_name(name) and len(kind_and_key) == 1 + 32 and kind_and_key[0] in {LOG, WITNESS}:
        key = Key(name, kind_and_key[1:], LOG if kind_and_key[0] == LOG else WITNESS)
        if key.id.hex() == key_id:
            return key
    raise InputError("log.key_unreadable", f"{text[:80]!r} is no key of a note: it reads name+id+base64.")


def read_note(text: str) -> Note:
    """A note from its text.

    Raises
    ------
    InputError
        ``log.note_unreadable``
    """
    body, mark, lines = text.rpartition("\n\n")
    if not mark or not body or len(text) > TEXT_BYTES_MAX or not lines.endswith("\n") or _has_control(text):
        raise _unreadable("a text, an empty line and lines of signatures are wanted")
    return Note(body + "\n", tuple(read_line(line) for line in lines[:-1].split("\n")))


def read_line(line: str) -> Signature:
    """One signature line; refused as `read_note` does."""
    name, _, content = line.removeprefix(_DASH).partition(" ")
    signature = _bytes(content)
    if not line.startswith(_DASH) or not _is_name(name) or len(signature) <= ID_BYTES:
        raise _unreadable(f"{line[:80]!r} is no signature")
    return Signature(name, signature[:ID_BYTES], signature[ID_BYTES:])


def sign(text: str, name: str, private: Ed25519PrivateKey) -> Signature:
    """The log's signature of a text."""
    key = Key(name, private.public_key().public_bytes_raw())
    return Signature(name, key.id, private.sign(text.encode()))


def cosign(text: str, name: str, private: Ed25519PrivateKey, at_s: int) -> Signature:
    """A witness's signature of a text at a time [s since 1970]."""
    key = Key(name, private.public_key().public_bytes_raw(), WITNESS)
    return Signature(name, key.id, at_s.to_bytes(TIME_BYTES, "big") + private.sign(_cosigned(text, at_s)))


def signed(note: Note, key: Key) -> bool:
    """Whether the note has a good signature by the key, and no bad one that says to be its."""
    own = [one for one in note.signatures if one.name == key.name and one.key_id == key.id]
    return bool(own) and all(good(note.text, one, key) for one in own)


def good(text: str, signature: Signature, key: Key) -> bool:
    """Whether a signature line is the key's, over the text."""
    if signature.name != key.name or signature.key_id != key.id:
        return False
    content, message = signature.signature, text.encode()
    if key.kind == WITNESS:
        if len(content) != TIME_BYTES + SIGNATURE_BYTES:
            return False
        message, content = _cosigned(text, cosigned_at_s(signature)), content[TIME_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(content, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def cosigned_at_s(signature: Signature) -> int:
    """When a witness says it signed [s since 1970]."""
    return int.from_bytes(signature.signature[:TIME_BYTES], "big")


def _cosigned(text: str, at_s: int) -> bytes:
    return f"cosignature/v1\ntime {at_s}\n{text}".encode()


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(one.isspace() for one in name)


def _has_control(text: str) -> bool:
    return any(one < " " and one != "\n" for one in text)


def _b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    """The bytes of base64 text that is written the one right way; empty when it is none."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return content if _b64(content) == text else b""


def _unreadable(why: str) -> InputError:
    return InputError("log.note_unreadable", f"This is no signed note: {why}.")
