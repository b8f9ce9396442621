"""kill -9 loses no transaction: what was acknowledged is in the journal, and only what was said again may be there twice."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import websockets
from ocpp_killed import STATIONS

from dure.engines.records.store import Records
from dure.services.charging.central import journal_records
from dure.services.charging.central.words import TransactionSaid

HERE = Path(__file__).parent
ROUNDS = 2
PATIENCE_S = 60


class Program:
    """The process, and where it is reached."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said = folder / "said.json"

    def start(self):
        self.said.unlink(missing_ok=True)
        command = [sys.executable, HERE / "ocpp_killed.py", self.folder]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
            )
        deadline = time.monotonic() + 60
        while not self.said.exists():
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "it did not start"
            time.sleep(0.05)
        found = json.loads(self.said.read_text())
        self.port, self.secrets = found["port"], found["secrets"] or self.secrets

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)


@pytest.fixture
def program(tmp_path):
    found = Program(tmp_path)
    found.start()
    yield found
    if found.process.poll() is None:
        found.kill()


class Station:
    """Sends the next step of its transaction as soon as the last one is acknowledged; says it again until it is."""

    def __init__(self, name: str) -> None:
        self.name, self.next, self.sent = name, 0, Counter()

    async def talk(self, program: Program) -> None:
        basic = base64.b64encode(f"{self.name}:{program.secrets[self.name]}".encode()).decode()
        with contextlib.suppress(OSError, EOFError, websockets.exceptions.WebSocketException):
            async with websockets.connect(
                f"ws://127.0.0.1:{program.port}/ocpp/{self.name}",
                subprotocols=["ocpp2.0.1"],
                additional_headers={"Authorization": f"Basic {basic}"},
                proxy=None,
            ) as socket:
                while True:
                    event = {
                        "eventType": "Updated", "timestamp": "2026-11-26T00:00:00Z", "triggerReason": "MeterValuePeriodic",
                        "seqNo": self.next, "transactionInfo": {"transactionId": self.name}, "offline": True,
                    }  # fmt: skip
                    self.sent[self.next] += 1
                    await socket.send(json.dumps([2, str(self.next), "TransactionEvent", event]))
                    assert json.loads(await socket.recv())[:2] == [3, str(self.next)]
                    self.next += 1


@pytest.mark.slow
async def test_kill_9_loses_nothing_that_was_acknowledged(program):
    stations = [Station(f"cp-{number}") for number in range(STATIONS)]
    for _ in range(ROUNDS):
        before = [one.next for one in stations]
        talking = [asyncio.create_task(one.talk(program)) for one in stations]
        await asyncio.sleep(1.0)
        async with asyncio.timeout(PATIENCE_S):  # on a starved machine some are not connected yet
            while any(  # noqa: ASYNC110  # what the server acknowledged is counted
                one.next < least + 2 and not talk.done() for one, talk, least in zip(stations, talking, before, strict=True)
            ):
                await asyncio.sleep(0.05)
        await asyncio.to_thread(program.kill)
        await asyncio.gather(*talking)
        await asyncio.to_thread(program.start)
    await asyncio.to_thread(program.kill)
    records = Records(f"sqlite:///{program.folder / 'data' / 'records.sqlite'}")
    with records.read() as connection:
        writers = journal_records.writers(connection)
        rows = [row for one in writers for row in journal_records.read(connection, one, 0, 100_000)]
    records.close()
    kept = Counter(
        (word.transaction, word.seq_no)
        for row in rows
        for word in journal_records.unpack(row.words)
        if isinstance(word, TransactionSaid)
    )
    acknowledged = {(one.name, seq_no) for one in stations for seq_no in range(one.next)}
    said_again = {(one.name, seq_no) for one in stations for seq_no, times in one.sent.items() if times > 1}
    assert len(acknowledged) > ROUNDS * STATIONS
    assert acknowledged - kept.keys() == set()
    assert {key for key, times in kept.items() if times > 1} <= said_again
    assert len(writers) == 1
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
