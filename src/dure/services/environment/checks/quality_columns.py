"""Names of the columns of limits, state and flags that the loop of quality control works on. Numbers only: no numba, no logic."""

from __future__ import annotations

from typing import Any

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Bytes = np.ndarray[Any, np.dtype[np.uint8]]
Bank = tuple[Ints, Floats, Floats, Ints, Floats, Ints, Floats]  # limits: whole, real, spans; state: whole, real; pool: µs, real
Rows = tuple[Ints, Ints, Floats, Bytes]  # slot, time [µs], value, how the row feeds
Out = tuple[Bytes, Floats, Bytes, Ints]  # flags (n, 7), statistics (n or 0, 6), spike flag of an earlier call's row, its time

GOOD, UNKNOWN, SUSPECT, FAIL, MISSING = 1, 2, 3, 4, 9  # `core.observations.Flag`, as plain numbers
GROSS, CLIMATE, SPIKE, RATE, FLAT, SPREAD, ALL = range(7)  # columns of the flags; ALL is the aggregate
N_TESTS = 6
POINTWISE, FEEDS, REFUSED = 0, 1, 2  # the row leaves no trace; feeds the state; stands in it as a missing value

# Limits as whole numbers [µs or count]; 0 means "not set".
UTC_OFFSET_US, GAP_US, FLAT_SUSPECT_US, FLAT_FAIL_US, FLAT_N, WINDOW_US, WINDOW_N = range(7)
WINDOW_COVER_US, FAILED_FEEDS, LIMIT_WHOLE = range(7, 10)
# Limits as real numbers [the property's unit]; NaN means "not set".
SPIKE_SUSPECT, SPIKE_FAIL, RATE_SUSPECT, RATE_FAIL, RATE_STEP_S, TOLERANCE = range(6)
CALM_LOW, CALM_HIGH, SPREAD_SUSPECT, SPREAD_FAIL, LIMIT_REAL = range(6, 11)
N_SPANS = 13  # spans (fail_min, suspect_min, suspect_max, fail_max): row 0 gross range, 1 to 12 the months

# State of a series as whole numbers. A flat run and a window are rings in the pool: where, how much room, head, size.
LIMIT, SEEN, LAST_US, NUMBER, RUN_COUNT, RUN_FIRST, RUN_US, RUN_LAST_US = range(8)
HEAD, SIZE = 8, 10  # of the two queues of a flat run: + 0 of maxima, + 1 of minima
RUN_AT, RUN_ROOM, WINDOW_AT, WINDOW_ROOM, WINDOW_HEAD, WINDOW_SIZE, WINDOW_FRONT, STATE_WHOLE = range(12, 20)
# State of a series as real numbers.
PREVIOUS, BEFORE, BACK_MEAN, BACK_M2, STATE_REAL = range(5)
