"""What changed between two derivations of the same meter."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from dure.services.buildings.reads.model import Delta, Revision, Why


def revisions_between(before: Iterable[Delta], after: Iterable[Delta], shown_at: datetime) -> tuple[Revision, ...]:
    """The windows whose amount is another after new reads came.

    One that is gone counts 0 after, a new one over old time 0 before. Windows that begin at or after the last old one are new
    reads, no revisions.
    """
    old = {(delta.start, delta.end): delta for delta in before}
    new = {(delta.start, delta.end): delta for delta in after}
    known_until = max((end for _, end in old), default=None)
    found: list[Revision] = []
    for window in sorted(old.keys() | new.keys()):
        was, now = old.get(window), new.get(window)
        if was is None and (known_until is None or window[0] >= known_until):
            continue
        first, last = (was.amount if was else 0), (now.amount if now else 0)
        if first != last:
            found.append(Revision(*window, first, last, now.why if now else Why.BRIDGED, shown_at))
    return tuple(found)
