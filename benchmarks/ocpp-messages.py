"""TransactionEvents a CPU-second, validated and persisted: ``make bench NAME=ocpp``.

Ours is the central system of the program with its register, its answers and its journal on a SQLite file with full
synchronisation; every TransactionEvent (2.0.1, eight samples, 1.3 kB) is valid by the official schema, and on the disk before it
is answered. CPU is that of the server's process with all its threads. The peer is `ocpp` on `websockets` as their documentation
shows it: validated, persisting nothing. Both are driven by the same 200 stations in a process of their own, three times each.
"""

from __future__ import annotations

import argparse
from statistics import median

from ocpp_trial import serving
from report import Row, tell, write

STATIONS = 200
PEER = "ocpp 2.1 + websockets 17, nothing kept"


def rounds(script: str, times: int, seconds: float) -> list[float]:
    """Messages a CPU-second of each round."""
    found = []
    with serving(script, STATIONS) as trial:
        for _ in range(times):
            one = trial.drive("closed", seconds)
            assert one["errors"] == 0, one["first_error"]
            found.append(one["answers"] / one["cpu_s"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    times, seconds, paced_s = (1, 3.0, 3.0) if quick else (3, 8.0, 20.0)
    ours, peer = rounds("ocpp_serving.py", times, seconds), rounds("ocpp_peer.py", times, seconds)
    with serving("ocpp_serving.py", STATIONS) as trial:
        paced = trial.drive("paced", paced_s, 2_000)
    assert paced["errors"] == 0, paced["first_error"]
    rows = [
        Row(
            figure="TransactionEvents a CPU-second, validated and persisted (median)", ours=median(ours), unit="1/CPU-s",
            better="higher", bar=20_000, peer=median(peer), peer_name=PEER,
        ),
        Row(figure="the same, best round", ours=max(ours), unit="1/CPU-s", better="higher", peer=max(peer), peer_name=PEER),
        Row(figure="slowest answer in a hundred at 2,000 a second", ours=paced["p99_ms"], unit="ms", better="lower", bar=50),
        Row(figure="the same, median", ours=paced["p50_ms"], unit="ms", better="lower"),
        Row(figure="answers missing of those asked for", ours=paced["sent"] - paced["answers"], unit="", better="lower", bar=0),
        Row(figure="share of a core at 2,000 a second", ours=paced["cpu_s"] / paced["wall_s"], unit="1", better="lower"),
    ]  # fmt: skip
    (tell if quick else write)("ocpp", rows)


if __name__ == "__main__":
    main()
