"""Checkpoints (C2SP tlog-checkpoint v1): a tree's origin, size and root as a note's text, and what two of them say. Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.services.carbon.model import Refused
from dure.services.carbon.transparency.merkle import HASH_BYTES, consistent

SIZE_MAX = 2**63 - 1


class Checkpoint(msgspec.Struct, frozen=True):
    """What is signed: that the log `origin` has `size` entries with the root (32,) bytes."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint of a note's text.

    Raises
    ------
    InputError
        ``log.checkpoint_unreadable``; also for lines after the root, which we never write and cannot vouch for
    """
    lines = text.split("\n")
    if len(lines) == 4 and lines[0] and not lines[3] and lines[1].isascii() and lines[1].isdigit():
        size = int(lines[1]) if len(lines[1]) < 20 else SIZE_MAX + 1
        try:
            root = base64.b64decode(lines[2], validate=True)
        except (binascii.Error, ValueError):
            root = b""
        found = Checkpoint(lines[0], size, root)
        if len(root) == HASH_BYTES and size <= SIZE_MAX and found.text() == text:
            return found
    raise InputError("log.checkpoint_unreadable", "This is no checkpoint: three lines are wanted, origin, size and root.")


def compared(seen: Checkpoint, now: Checkpoint, proof: Sequence[bytes] = ()) -> Refused | None:
    """Why the checkpoint `now` cannot follow one that was seen; None when the proof shows that it does.

    Signatures are looked at before. Two roots of one size, signed by one log, are proof of a lie: it shows different people
    different books (a split view).
    """
    if now.origin != seen.origin:
        return Refused("log.other_log", OTHER_LOG)
    if now.size == seen.size and now.root != seen.root:
        return Refused("log.split_view", SPLIT_VIEW)
    if now.size < seen.size:
        return Refused("log.smaller", SMALLER)
    if not consistent((seen.size, seen.root), (now.size, now.root), proof):
        return Refused("log.inconsistent", INCONSISTENT)
    return None


OTHER_LOG = Text(ko="다른 로그의 체크포인트입니다.", en="This is the checkpoint of another log.")
SPLIT_VIEW = Text(
    ko="같은 크기에 서로 다른 루트가 서명되었습니다. 로그가 사람마다 다른 장부를 보여 준 증거입니다.",
    en="Two roots of one size are signed: proof that the log shows different people different books.",
)
SMALLER = Text(
    ko="이미 본 체크포인트보다 작은 트리입니다. 오래된 것을 다시 보냈거나 항목이 지워졌습니다.",
    en="The tree is smaller than one seen before: an old checkpoint sent again, or entries were taken away.",
)
INCONSISTENT = Text(
    ko="앞선 트리가 이 트리의 시작 부분임을 증명하지 못합니다.",
    en="The proof does not show the earlier tree to be the beginning of this one.",
)
BEHIND = Text(
    ko="우리가 서명한 체크포인트인데 지금 로그보다 큽니다. 항목이 사라졌습니다.",
    en="We signed this checkpoint, and it is larger than the log now: entries are gone.",
)
