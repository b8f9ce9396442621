"""A recorder on ClickHouse that dies at a chosen step of an append, as a power cut of its machine would have it."""

from __future__ import annotations

import os
import sys

from telemetry_oracle import batch
from telemetry_writer import message

from dure.engines.telemetry.clickhouse import ClickHouseTelemetry


class Torn(ClickHouseTelemetry):
    """Dies before the step named in the third argument."""

    def _store_rows(self, rows):
        self._die("rows")
        super()._store_rows(rows)

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
    store.append(batch(rows), {"OBS": seq + 3})


if __name__ == "__main__":
    main()
