"""What stands in the log: one thing that happened on the books, without any personal data."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

EntryKind = Literal["claim", "transfer", "statement", "decision", "rule"]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One leaf to be.

    Attributes
    ----------
    id : of the thing, unique in its kind: staged again, it is the same entry
    body : what the leaf says; only strings, whole numbers, booleans, lists and objects of these (no floats: canonical JSON)
    """

    kind: EntryKind
    id: str
    at: datetime
    body: dict[str, Any]
