"""The program as processes: parts apart, Ctrl-C, and the proof that kills it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from city_running import ago, until, write_city

from dure.spine.seeding import read_secrets

STARTED_S = 60


class Program:
    """`dure …` in a folder, with its lines in a file."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.log = folder / f"{'-'.join(words).strip('-').replace('/', '_')[:40]}.log"
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DURE_")} | {
            "DURE_DATA_DIR": str(folder / "data"),
            "DURE_HTTP_PORT": "0",
            "DURE_NATS_PORT": "0",
            "DURE_MQTT_PORT": "0",
            "DURE_OCPP_PORT": "0",
            "NO_COLOR": "1",
        }
        if (folder / "city").exists():
            environ["DURE_CITY_DIR"] = str(folder / "city")
        command = [sys.executable, "-m", "dure", *words]
        with self.log.open("wb") as lines:
            self.process = subprocess.Popen(command, env=environ, cwd=folder, stdout=lines, stderr=lines, start_new_session=True)

    def said(self, pattern: str) -> str:
        """Wait until the program prints something."""

        def look():
            text = self.log.read_text("utf-8")
            found = re.search(pattern, text)
            assert found or self.process.poll() is None, text
            return found and found[1]

        return until(look, STARTED_S)

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)

    def children(self) -> list[int]:
        task = Path(f"/proc/{self.process.pid}/task")
        return [int(pid) for one in task.iterdir() for pid in (one / "children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


@pytest.fixture
def program(tmp_path):
    """Starts programs; all end with the test."""
    started = []

    def start(*words: str) -> Program:
        started.append(Program(tmp_path, *words))
        return started[-1]

    yield start
    for one in reversed(started):
        one.end()


def test_parts_in_processes_of_their_own_are_one_city(tmp_path, program):
    write_city(tmp_path / "city", ["st-01"])
    for part in ("bus", "recorder"):
        program("run", part).said(r"(runs)")
    url = program("run", "web").said(r"live map\s+(http://[^/]+)/ko/")
    auth = ("dev-st-01", read_secrets(tmp_path / "data")["dev-st-01"])
    at = ago(60)
    sent = httpx.post(f"{url}/api/v1/readings", json=[{"property": "pm10", "value": 33, "time": at}], auth=auth, timeout=60)
    assert (sent.status_code, sent.json()["accepted"]) == (202, 1)

    def answered():
        found = httpx.get(f"{url}/api/v1/observations", params={"asset": "st-01", "start": ago(3600)}, timeout=60)
        return found.raise_for_status().json()["items"]

    (row,) = until(answered)
    assert (row["value"], row["flag"]) == (33.0, 1)
    newest = until(lambda: httpx.get(f"{url}/api/v1/latest", params={"asset": "st-01"}, timeout=60).json()["items"])
    assert newest[0]["value"] == 33.0
    assert httpx.get(f"{url}/api/v1/health", timeout=60).json()["status"] == "ok"


def test_ctrl_c_ends_the_demo_cleanly_with_no_child_left(tmp_path, program):
    one = program("up", "--demo", "--data", str(tmp_path / "data"))
    url = one.said(r"live map\s+(http://[^/]+)/ko/")
    assert httpx.get(f"{url}/ko/", timeout=60).status_code == 200
    children = one.children()
    assert children, "the bus runs as a child"
    assert one.end(signal.SIGINT) in {0, 130}, one.log.read_text("utf-8")
    assert "Dure has ended cleanly." in one.log.read_text("utf-8")
    assert "Traceback" not in one.log.read_text("utf-8")
    until(lambda: not any(is_running(pid) for pid in children))
    assert not (tmp_path / "data" / "address.json").exists()


def test_a_second_city_on_the_same_port_says_which_setting_helps(tmp_path, program):
    write_city(tmp_path / "city", ["st-01"])
    url = program("up").said(r"live map\s+(http://[^/]+)/ko/")
    second = program("up", "--data", str(tmp_path / "other"), "--http-port", url.rpartition(":")[2])
    assert second.process.wait(60) == 2
    assert "web.port_taken" in second.log.read_text("utf-8")
    assert "DURE_HTTP_PORT" in second.log.read_text("utf-8")


@pytest.mark.slow
def test_the_proof_kills_the_program_and_finds_nothing_lost(tmp_path, program):
    (tmp_path / "proof").mkdir()
    one = program("prove", "--rounds", "3", "--folder", str(tmp_path / "proof"))
    assert one.process.wait(300) == 0, one.log.read_text("utf-8")
    rows = re.findall(r"(mqtt|http|bus) +│ +([\d,]+) +│ +([\d,]+) +│ +([\d,]+) +│ +(\d+) +│ +(\d+)", one.log.read_text("utf-8"))
    assert [row[0] for row in rows] == ["mqtt", "http", "bus"]
    assert all(int(row[2].replace(",", "")) > 0 and row[4:] == ("0", "0") for row in rows)
    assert json.loads((tmp_path / "proof" / "data" / "secrets.json").read_bytes())
