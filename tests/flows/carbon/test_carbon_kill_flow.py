"""The program is killed (SIGKILL) while bags are weighed: each is one claim, and no transfer is lost or doubled."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from city_running import until, write_city

from dure.config import Settings
from dure.core.time import format_instant
from dure.engines.identity.people import People
from dure.running.kept_records import kept_records
from dure.services.carbon.claiming import claim_desk

UP_S = 300.0  # at most, for a start
BAGS = 12
SCALE = "scale-1,scale,저울,Scale,126.9,37.2,live,dev-scale-1,,"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Program:
    """`dure up` as a process of its own."""

    def __init__(self, folder: Path) -> None:
        write_city(folder / "city", [], lines=(SCALE,))
        self.folder, self.data, port = folder, folder / "data", free_port()
        self.url, self.settings = f"http://127.0.0.1:{port}", Settings(data_dir=str(self.data))
        self._environ = os.environ | {
            "DURE_DATA_DIR": str(self.data), "DURE_CITY_DIR": str(folder / "city"), "DURE_HTTP_PORT": str(port),
            "DURE_NATS_PORT": "0", "DURE_MQTT_PORT": "0", "DURE_OCPP_PORT": "0", "DURE_LOG_LEVEL": "warning", "COLUMNS": "200",
        }  # fmt: skip

    def start(self) -> None:
        with (self.folder / "program.log").open("ab") as lines:
            words = [sys.executable, "-m", "dure", "up"]
            self._process = subprocess.Popen(words, env=self._environ, stdout=lines, stderr=lines)
        until(self._listens, UP_S)

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self.folder / "program.log").read_text()[-2_000:]
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/api/v1/health", timeout=5).status_code < 500
        return False

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(60)  # nothing happens to one that has ended

    def sign_in(self) -> httpx.Client:
        login, password = (self.data / "first-admin.txt").read_text().split()
        with kept_records(self.settings) as records:
            token = People(records).sign_in(login, password).token
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        asked = [sys.executable, "-m", "dure", "carbon", *words]
        return subprocess.run(asked, env=self._environ, capture_output=True, text=True, timeout=UP_S, check=False)

    def claims(self) -> list[Any]:
        with kept_records(self.settings) as records, records.read() as connection:
            return list(claim_desk.claims(connection))


@pytest.fixture
def program(tmp_path):
    one = Program(tmp_path)
    one.start()
    yield one
    one.end(signal.SIGKILL)


def test_killed_while_bags_are_weighed_every_bag_counts_once(program):
    begin = datetime.now(UTC) - timedelta(minutes=BAGS + 5)
    moments = [format_instant(begin + timedelta(minutes=n)) for n in range(BAGS)]
    secret = json.loads((program.data / "device-secrets.json").read_bytes())["dev-scale-1"]
    readings = [{"property": "weighed_mass", "value": 1.0 + n / 8, "time": at} for n, at in enumerate(moments)]
    sent = {"json": {"readings": readings}, "auth": ("dev-scale-1", secret), "params": {"wait": "stored"}, "timeout": 60}
    assert httpx.post(f"{program.url}/api/v1/readings", **sent).json()["accepted"] == BAGS
    weigh(program, moments[: BAGS // 2])
    program.end(signal.SIGKILL)  # answered, but perhaps not yet claimed
    program.start()
    weigh(program, moments)  # a keeper who does not know what was kept says all of it again
    claims = until(lambda: found if len(found := program.claims()) == BAGS else None, 60)
    assert len({one.stretches for one in claims}) == BAGS
    assert {one.state for one in claims} == {"awarded"}
    until(lambda: program.command("bundle", claims[-1].id).returncode == 0, 60)
    running = [program.command("check"), program.command("balance", "held/city")]
    program.end(signal.SIGKILL)
    stopped = [program.command("check"), program.command("balance", "held/city"), program.command("checkpoint", "--check")]
    for done in (*running, *stopped):
        assert done.returncode == 0, done.stdout + done.stderr
    grams = f"{sum(one.grams for one in claims):,}"
    assert grams in running[1].stdout
    assert grams in stopped[1].stdout
    assert len(program.claims()) == BAGS


def weigh(program: Program, moments: list[str]) -> None:
    """The keeper's word of each bag; the same word twice is one."""
    with program.sign_in() as keeper:
        for n, at in enumerate(moments):
            keeper.post("/carbon/bags", json={"bag": f"bag-{n}"}).raise_for_status()
            body = {"bag": f"bag-{n}", "scale": "scale-1", "material": "paper", "weighed_at": at}
            keeper.post("/carbon/weighings", json=body).raise_for_status()
