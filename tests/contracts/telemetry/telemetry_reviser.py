"""A recorder in small whose every message revises the row of the one before; it prints each sequence it was promised."""

from __future__ import annotations

import sys

import numpy as np
from telemetry_engines import open_store
from telemetry_oracle import HOUR, T0, S, batch

from dure.core.observations import Revisions


def time_of(seq):
    return T0 + seq * 600 * S


def main():
    store = open_store(sys.argv[1], sys.argv[2])
    seq = store.cursor("OBS")
    while True:
        seq += 1
        rows = [(f"s{i}", "temp", time_of(seq), float(i), 1, T0, seq) for i in range(20)]
        before = np.array([time_of(seq - 1)], np.int64)
        flag = np.array([4 if (seq - 1) % 2 else 3], np.uint8)
        revised = Revisions([("s0", "temp")], np.zeros(1, np.int32), before, flag, np.array([31], np.uint8))
        store.append(batch(rows), {"OBS": seq}, revised)
        print(seq, flush=True)  # noqa: T201  # the promise
        if seq % 3 == 0:
            store.maintain(now_us=T0 + seq * HOUR, seconds=0.0)


if __name__ == "__main__":
    main()
