"""A recorder on ClickHouse that dies at a chosen step of an append, as a power cut of its machine would have it."""

from __future__ import annotations

import os
import sys

import numpy as np
from telemetry_oracle import batch
from telemetry_writer import message

from dure.core.observations import Revisions
from dure.engines.telemetry.clickhouse import ClickHouseTelemetry


class Torn(ClickHouseTelemetry):
    """Dies before the step named in the third argument; a fourth one has it revise flags too."""

    def _store_rows(self, rows):
        self._die("rows")
        super()._store_rows(rows)

    def _store_revisions(self, keys, revised):
        self._die("flags")
        super()._store_revisions(keys, revised)

    def _store_cursors(self, cursors):
        self._die("cursor")
        super()._store_cursors(cursors)

    def _die(self, step):
        if sys.argv[3] == step:
            os._exit(9)


def main():
    store = Torn(sys.argv[2], quiet_s=0.0)
    seq = store.cursor("OBS")
    rows = [row for k in (1, 2, 3) for row in message(seq + k)]
    store.append(batch(rows), {"OBS": seq + 3}, revision_of(seq) if sys.argv[4:] else None)


def revision_of(seq):
    """The first row of the last message kept, and of the next one, fail."""
    rows = [message(one)[0] for one in (max(seq, 1), seq + 1)]
    keys = [(row[0], row[1]) for row in rows]
    time_us = np.array([row[2] for row in rows], np.int64)
    return Revisions(keys, np.arange(2, dtype=np.int32), time_us, np.full(2, 4, np.uint8), np.full(2, 40, np.uint8))


if __name__ == "__main__":
    main()
