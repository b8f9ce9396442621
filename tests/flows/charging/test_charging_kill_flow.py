"""The program is killed (SIGKILL) while vehicles charge: no transaction is lost, none is doubled, registers agree to the Wh."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from charging_story import HEAD, ROWS
from city_running import write_city

from dure.city import read_city
from dure.core.time import to_us
from dure.engines.records.store import Records
from dure.services.charging.central import journal_records
from dure.services.charging.central.words import TransactionSaid
from dure.services.charging.sessions import session_records
from dure.services.charging.simulate import How, SitePlay, sites_simulated
from dure.services.charging.simulating.virtual_drivers import Visit, card_number

KILLS = 2
UP_S = 90  # at most, for a start and for what chargers do next
STEP_S = 0.2
CARD = 1
STAY_S, NEED_WH = 4, 150  # of each vehicle: one after the other comes while the program is killed


class Time:
    def now(self):
        return datetime.now(UTC)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Program:
    """`dure up` as a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.port = folder / "data", free_port()
        self._environ = os.environ | {
            "DURE_DATA_DIR": str(self.data),
            "DURE_CITY_DIR": str(folder / "city"),
            "DURE_HTTP_PORT": "0",
            "DURE_NATS_PORT": "0",
            "DURE_MQTT_PORT": "0",
            "DURE_OCPP_PORT": str(self.port),
            "DURE_LOG_LEVEL": "warning",
        }
        self._log = folder / "program.log"

    async def knows(self, card: Path) -> None:
        """The cards of a CSV are put into the register of tokens, as an operator does it."""
        words = ("charging", "token", "import", str(card), "--city", str(card.parent / "city"), "--data", str(self.data))
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "dure", *words, env=self._environ)
        assert await process.wait() == 0

    async def start(self) -> None:
        with self._log.open("ab") as lines:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "dure", "up", env=self._environ, stdout=lines, stderr=lines
            )
        async with asyncio.timeout(UP_S):
            while not await self._listens():
                assert self._process.returncode is None, self._log.read_text()[-2_000:]
                await asyncio.sleep(0.1)

    async def _listens(self) -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True
        return False

    async def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        await self._process.wait()


def visit(n: int, now_us: int) -> Visit:
    return Visit(
        id=f"v-{n}-{now_us}", arrives_us=now_us, leaves_us=now_us + STAY_S * 1_000_000, need_wh=NEED_WH, battery_wh=60_000,
        taken_wh=20_000, max_w=350_000.0, card=CARD,
    )  # fmt: skip


@pytest.fixture
def site(tmp_path):
    """A program that is not started yet, and a site of strong chargers that remembers what it did."""
    write_city(tmp_path / "city", [])
    strong = [row.replace(",7,1,", ",350,1,").replace(",50,1,dc", ",350,1,dc").replace(",6,,,,,", ",0,,,,,") for row in ROWS]
    (tmp_path / "city" / "assets" / "charging.csv").write_text("\n".join([HEAD, *strong]) + "\n", "utf-8")
    city = read_city(tmp_path / "city")
    program = Program(tmp_path)
    how = How(url=f"ws://127.0.0.1:{program.port}/ocpp", folder=tmp_path / "stations", past=timedelta(0))
    return program, SitePlay(city, sites_simulated(city)[0], Time(), how), how


async def test_killed_again_and_again_no_transaction_is_lost_or_doubled(site, tmp_path):
    program, play, how = site
    (tmp_path / "cards.csv").write_text(f"token,concurrent\n{card_number(CARD)},0\n", "utf-8")
    await program.knows(tmp_path / "cards.csv")
    await program.start()
    secrets = json.loads((program.data / "device-secrets.json").read_bytes())
    links = play.linked(how.url, secrets)
    tasks = [asyncio.create_task(link.run()) for link in links]
    driving = asyncio.create_task(drive(play, links))
    try:
        for kill in range(KILLS):
            await begun(links, kill + 1)
            await asyncio.sleep(STAY_S / 4)  # into the middle of what goes on
            await program.end(signal.SIGKILL)
            await asyncio.sleep(1)
            await program.start()
        await begun(links, KILLS + 1)
        driving.cancel()
        await finish(play, links)
    finally:
        for task in (*tasks, driving):
            task.cancel()
        await asyncio.gather(*tasks, driving, return_exceptions=True)
        await program.end(signal.SIGINT)
    agree(program, links)


async def begun(links, least):
    """Every charger has begun that many transactions."""
    async with asyncio.timeout(UP_S):
        while any(link.charger.state.begun_n < least for link in links):  # noqa: ASYNC110 - a charger has no word for it
            await asyncio.sleep(STEP_S)


async def drive(play, links):
    """Vehicles come one after the other at every charger."""
    n = 0
    while True:
        now_us = to_us(Time().now())
        for link in links:
            n += 1
            link.charger.plug(1, visit(n, now_us), now_us)
        step(play, links, now_us)
        await asyncio.sleep(STEP_S)


def step(play, links, now_us):
    for _ in play.site.advance(now_us):
        pass
    play.keep()
    for link in links:
        link.pump()


async def finish(play, links):
    """The last vehicles go, and everything is said and taken in."""
    async with asyncio.timeout(60):
        while any(link.charger.state.evses[1].car for link in links) or not all(link.is_idle for link in links):
            step(play, links, to_us(Time().now()))
            await asyncio.sleep(STEP_S)
    await asyncio.sleep(4)  # a round of the journal


def agree(program, links):
    """What stations did, what the journal holds and what sessions say is the same, to the transaction and to the Wh."""
    records = Records(f"sqlite:///{program.data}/records.sqlite")
    with records.read() as connection:
        found = session_records.listing(connection, session_records.Asked(), limit=1_000).items
        words = [
            word
            for writer in journal_records.writers(connection)
            for row in journal_records.read(connection, writer, 0, 100_000)
            for word in journal_records.unpack(row.words)
            if isinstance(word, TransactionSaid)
        ]
    records.close()
    for link in links:
        mine = [one for one in found if one.charger == link.charger.charger.id]
        told = {word.transaction for word in words if word.charger == link.charger.charger.id}
        began = link.charger.state.begun_n
        assert len(mine) == len(told) == began > KILLS
        assert {one.state for one in mine} <= {"ended", "settled"}
        assert sum(one.energy_wh for one in mine) == link.charger.state.evses[1].register_mj // 3_600_000
        assert {one.trust for one in mine} == {"measured"}
