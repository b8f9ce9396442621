"""A recorder in small: reads on from its cursor, appends numbered messages, prints each sequence it was promised."""

from __future__ import annotations

import sys

from telemetry_engines import open_store
from telemetry_oracle import HOUR, T0, S, batch


def message(seq):
    """Forty rows made of the sequence alone: some late, so that they must be looked up."""
    late = (seq % 3) * 2 * HOUR
    return [
        (f"s{i % 8}", "temp" if i % 2 else "rain", T0 + seq * 300 * S + i * S - late, float(i), 1, T0, seq) for i in range(40)
    ]


def main():
    store = open_store(sys.argv[1], sys.argv[2])
    seq = store.cursor("OBS")
    while True:
        batches = [message(seq + k) for k in range(1, 1 + seq % 3 + 1)]
        seq += len(batches)
        store.append(batch([row for rows in batches for row in rows]), {"OBS": seq})
        print(seq, flush=True)  # noqa: T201  # the promise
        if seq % 10 < 3:
            store.maintain(now_us=T0 + seq * HOUR, seconds=0.0)


if __name__ == "__main__":
    main()
