"""How long does a citizen wait for a decision with its reason, 50 at once, by HTTP? ``make bench NAME=practices``.

Real records (SQLite in a file), the web face in a process of its own. Each of 50 citizens, all at once: begins a practice, proves
it by a place's code, reads what became of it; meanwhile a partner sends signed proofs of them. Every decision has a code and a
reason, and every won is conserved. Waiting by the wall is beside the CPU the server used for a request: on a busy machine only
the latter says what the program costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from practices_serving import PARTNERED, SCANNED
from report import Row, tell, write

from dure.core.time import format_instant
from dure.engines.records.store import Records
from dure.services.carbon.ledger.checking import check
from dure.services.carbon.practising.signing import signature

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
CITIZENS = 50
DECISION_S = 5.0  # of issue 7: start, prove, decision with a reason
BASE = "/api/v1/carbon"


def cpu_s(pid: int) -> float:
    """Seconds of CPU a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Citizens:
    """All of them, and the partner; waits in seconds by kind, and the codes of decisions."""

    def __init__(self, told: dict[str, Any], rounds: int) -> None:
        self.told, self.rounds = told, rounds
        self.waits: dict[str, list[float]] = {"whole": [], "prove": [], "partner": []}
        self.codes: list[str] = []
        self.requests = 0

    async def run(self) -> None:
        """All at once."""
        limits = httpx.Limits(max_connections=2 * CITIZENS)
        address = f"http://127.0.0.1:{self.told['port']}{BASE}"
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=300) as client:
            await asyncio.gather(
                *(self._citizen(client, n) for n in range(CITIZENS)), *(self._partner(client, n) for n in range(CITIZENS))
            )

    async def _citizen(self, client: httpx.AsyncClient, n: int) -> None:
        headers = {"Authorization": f"Bearer {self.told['tokens'][n]}"}
        for practice in SCANNED[: self.rounds]:
            began = time.monotonic()
            await self._ask(client, "POST", "/acts", headers=headers, json={"practice": practice})
            proving = time.monotonic()
            scan = {"practice": practice, "code": self.told["code"]}
            act = await self._ask(client, "POST", "/acts/scan", headers=headers, json=scan)
            self.waits["prove"].append(time.monotonic() - proving)
            seen = await self._ask(client, "GET", f"/acts/{act['id']}", headers=headers)
            self.waits["whole"].append(time.monotonic() - began)
            assert seen["code"]
            assert seen["says"]["ko"]
            self.codes.append(seen["code"])

    async def _partner(self, client: httpx.AsyncClient, n: int) -> None:
        for turn, practice in enumerate(PARTNERED[: self.rounds]):
            at = format_instant(NOW)
            member, reference = self.told["members"][n], f"R-{turn}-{n}"
            said = {"practice": practice, "member": member, "quantity": 1, "done_at": at, "reference": reference}
            body = json.dumps(said).encode()
            nonce = f"nonce-{turn:04d}-{n:06d}"
            headers = {
                "X-Dure-Partner": "cafe", "X-Dure-Time": at, "X-Dure-Nonce": nonce, "Content-Type": "application/json",
                "X-Dure-Signature": signature(self.told["key"], "cafe", at, nonce, body),
            }  # fmt: skip
            began = time.monotonic()
            act = await self._ask(client, "POST", "/partner-proofs", headers=headers, content=body)
            self.waits["partner"].append(time.monotonic() - began)
            self.codes.append(act["code"])

    async def _ask(self, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
        answer = await client.request(method, path, **more)
        assert answer.status_code == 200, answer.text
        self.requests += 1
        return answer.json()


def measured(folder: Path, rounds: int) -> tuple[Citizens, float, bool]:
    """The citizens, the server's CPU [s], and whether the books are sound afterwards."""
    command = [sys.executable, str(Path(__file__).parent / "practices_serving.py"), str(folder), str(CITIZENS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            crowd = Citizens(json.loads(server.stdout.readline()), rounds)
            before = cpu_s(server.pid)
            asyncio.run(crowd.run())
            used = cpu_s(server.pid) - before
        finally:
            server.terminate()
            server.wait(60)
    records = Records(f"sqlite:///{folder}/records.db")
    with records.read() as connection:
        sound = check(connection).sound
    records.close()
    return crowd, used, sound


def main(*, quick: bool) -> list[Row]:
    """All rows."""
    with tempfile.TemporaryDirectory(prefix="dure-practices-") as folder:
        crowd, used, sound = measured(Path(folder), 1 if quick else len(SCANNED))
    whole, proved, partner = (np.array(crowd.waits[name]) for name in ("whole", "prove", "partner"))
    decided = {code for code in crowd.codes if code}
    print(f"codes: {', '.join(sorted(decided))}; load of the machine: {os.getloadavg()[0]:.1f}")

    def at(seconds: np.ndarray, share: float) -> float:
        return round(float(np.quantile(seconds, share)), 3)

    name, whole_name = f"{CITIZENS} citizens and a partner at once", "begin, prove, read the reason"
    decisions = Row(
        figure="decisions with a code and a reason", ours=len(crowd.codes), unit="decisions", better="higher",
        bar=len(whole) + len(partner),
    )  # fmt: skip
    load = os.getloadavg()[0]
    return [
        Row(figure=f"{name}: {whole_name}, p99", ours=at(whole, 0.99), unit="s", better="lower", bar=DECISION_S),
        Row(figure=f"{name}: {whole_name}, median", ours=at(whole, 0.5), unit="s", better="lower"),
        Row(figure=f"{name}: the proof alone, p99", ours=at(proved, 0.99), unit="s", better="lower", bar=DECISION_S),
        Row(figure=f"{name}: a partner's signed proof, p99", ours=at(partner, 0.99), unit="s", better="lower", bar=DECISION_S),
        Row(figure="CPU of the server for a request", ours=round(1000 * used / crowd.requests, 1), unit="ms", better="lower"),
        decisions,
        Row(figure="books sound afterwards", ours=int(sound), unit="1", better="higher", bar=1),
        Row(figure="load of the machine while measuring", ours=round(load, 1), unit="processes", better="lower"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    (tell if options.quick else write)("practices", main(quick=options.quick))
