"""A long run with faults: kill -9 at random under load, then count. `make soak ROUNDS=100`, or `python -m soak 100`.

Half of the rounds kill the parts of a city run apart (bus, nats-server, recorder, web), half the one program of `dure up`
and its nats-server. Readings come by MQTT QoS 1, by HTTP and over the bus; each is a number of its own, so what was
acknowledged can be compared with what is in the file: 0 lost, 0 doubled. The folder of a run that lost is kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console

from dure.running.proving import run_proof, tell

if TYPE_CHECKING:
    from dure.running.proving import Outcome

RESULTS = Path(__file__).parent / "results.json"
MODES = {"apart": True, "together": False}
ROUNDS_PER_RUN = 50  # a longer soak is several cities one after the other, so that one loss is found where it happened


def runs(rounds: int) -> list[tuple[str, int]]:
    """Modes in turn with the kills of each run."""
    of_mode = {"apart": rounds - rounds // 2, "together": rounds // 2}
    return [(mode, min(ROUNDS_PER_RUN, kills - at)) for mode, kills in of_mode.items() for at in range(0, kills, ROUNDS_PER_RUN)]


def soak(mode: str, kills: int, seed: int, out: Console) -> tuple[list[Outcome], dict[str, Any]]:
    """One run: its outcomes, and what is kept of it."""
    folder = Path(tempfile.mkdtemp(prefix=f"dure-soak-{mode}-"))
    began = time.monotonic()
    outcomes, killed = asyncio.run(run_proof(folder, kills, seed, apart=MODES[mode]))
    tell(outcomes, killed, out)
    if failed(outcomes):
        out.print(f"[red]lost or doubled: see {folder}[/]")
        for one in outcomes:
            if one.lost_first:
                out.print(f"{one.way}: acknowledged, not stored: {', '.join(map(str, one.lost_first))}")
    else:
        shutil.rmtree(folder)
    return outcomes, {
        "mode": mode,
        "seed": seed,
        "kills": killed,
        "seconds": round(time.monotonic() - began),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "ways": [msgspec.structs.asdict(one) for one in outcomes],
    }


def failed(outcomes: list[Outcome]) -> bool:
    """Whether something acknowledged is not there, or is there twice."""
    return any(one.lost or one.doubled for one in outcomes)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="?", type=int, default=100, help="kills in all (default 100)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first run; each run adds one")
    parser.add_argument("--mode", choices=MODES, help="only this mode")
    options = parser.parse_args()
    out = Console(width=110)
    bad, kept = False, []
    planned = [(mode, kills) for mode, kills in runs(options.rounds) if options.mode in {None, mode}]
    for number, (mode, kills) in enumerate(planned):
        seed = options.seed + number
        out.rule(f"{mode}: {kills} kills, seed {seed}")
        outcomes, row = soak(mode, kills, seed, out)
        bad = bad or failed(outcomes)
        kept.append(row)
        RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
