"""What the threads of one DuckDB file share: its cursors for reading, and the revised flags that wait for a fold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from dure.core.errors import Unavailable
from dure.engines.telemetry.pending import Pending, none_pending

PATIENCE_S = 0.5  # a move of rows waits this long for a pause between questions before it asks them to wait


class Overlay:
    """Revisions in the file that no fold has written into the rows yet. Take `pending` while reading, not before."""

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._folded = -1
        self.pending: Pending = none_pending()
        self.next = 1

    def load(self, pending: Pending) -> None:
        """What a file holds that was opened."""
        with self._changing:
            self.pending = pending
            self.next = max(self.next, int(pending.order.max(initial=0)) + 1)

    def add(self, pending: Pending) -> None:
        """Revisions that were committed just now. A fold may have been quicker."""
        if not len(pending):
            return
        with self._changing:
            self.next = max(self.next, int(pending.order.max()) + 1)
            self.pending = self.pending.plus(pending.newer_than(self._folded))

    def fold(self, upto: int) -> None:
        """Forget revisions up to a number: they are in the rows."""
        with self._changing:
            self._folded = max(self._folded, upto)
            self.pending = self.pending.newer_than(self._folded)


class Readers:
    """A cursor for each reading thread; the file is let go only when none is in use."""

    def __init__(self) -> None:
        self._gate = threading.Condition()
        self._db: duckdb.DuckDBPyConnection | None = None
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._active = 0
        self._held = False

    def start(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Let readers in."""
        with self._gate:
            self._db = connection
            self._gate.notify_all()

    def stop(self) -> None:
        """Refuse new readers, wait for the running ones, close their cursors."""
        with self._gate:
            self._db = None
            self._gate.wait_for(lambda: self._active == 0)
            for cursor in self._idle:
                cursor.close()
            self._idle.clear()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No reader is at work while the block runs; after some patience new ones wait at the door until it did.

        A row that moves between tables must not be seen in both: a question that is under way when the move is committed
        was seen to count rows twice (DuckDB 2.0.0).
        """
        with self._gate:
            if not self._gate.wait_for(lambda: self._active == 0, PATIENCE_S):
                self._held = True
                self._gate.wait_for(lambda: self._active == 0)
            self._held = True
        try:
            yield
        finally:
            with self._gate:
                self._held = False
                self._gate.notify_all()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one question."""
        with self._gate:
            self._gate.wait_for(lambda: not self._held)
            if self._db is None:
                raise Unavailable("telemetry.down", "The telemetry file is being opened again; try again.")
            cursor = self._idle.pop() if self._idle else self._db.cursor()
            self._active += 1
        try:
            yield cursor
        finally:
            with self._gate:
                self._idle.append(cursor)
                self._active -= 1
                self._gate.notify_all()
