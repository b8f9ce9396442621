"""9,000 stations on one process: ``make bench NAME=ocpp-connections``.

All connect with their own secret, all are cut off at once, all connect again, 400 handshakes at a time; then each says a
TransactionEvent. Memory is the whole process: register, journal, log of messages, and what a `dure run csms` has loaded. The
peer is `websockets` alone, which checks no secret, holds no register and keeps nothing.
"""

from __future__ import annotations

import argparse

from ocpp_trial import serving
from report import Row, tell, write

PEER = "websockets 17 alone"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    stations = 1_000 if quick else 9_000
    found = {}
    for script in ("ocpp_serving.py", "ocpp_bare.py"):
        with serving(script, stations) as trial:
            found[script] = trial.drive("rush")
    ours, bare = found["ocpp_serving.py"], found["ocpp_bare.py"]
    assert ours["errors"] == 0

    def per_station_kb(one):
        return (one["idle_mb"] - one["before_mb"]) * 1024 / stations

    def row(figure, key, unit, bar=None):
        of = key if callable(key) else lambda one: one[key]
        return Row(figure=figure, ours=of(ours), unit=unit, better="lower", bar=bar, peer=of(bare), peer_name=PEER)

    rows = [
        row(f"memory with {stations:,} stations connected", "idle_mb", "MB", 400),
        row("memory after each said a TransactionEvent", "talked_mb", "MB", 400),
        row("memory of one connection", per_station_kb, "kB"),
        row("all connected again after all were cut off", "again_s", "s", 15),
        row("CPU of the server for that", "again_cpu_s", "s"),
        row("all answered within", "answers_s", "s"),
        Row(figure="stations answered then", ours=ours["answers"], unit="", better="higher", bar=stations),
    ]
    (tell if quick else write)("ocpp-connections", rows)


if __name__ == "__main__":
    main()
