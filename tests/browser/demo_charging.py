"""What pages of charging show in the test city: meters of a morning, charges, a plan, origins.

Every row comes by the functions that make it in a running house: words go through the journal, registers through the recorder's
store, rounds are called as the house calls them. One charger of the city is a real client over a real socket (`Post`).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np
import websockets
from demo_city import NOW, RunningCity

from dure.core.observations import Batch, Flag
from dure.core.time import to_us
from dure.engines.records.audit import By
from dure.services.charging.central import central, journal_records
from dure.services.charging.central.words import Booted, Linked, Sample, StatusSaid, TransactionSaid
from dure.services.charging.origin.origin_watch import OriginWatch
from dure.services.charging.planning.plan_watch import PlanWatch
from dure.services.charging.pricing import settlement_records
from dure.services.charging.pricing.settle_watch import SettleWatch
from dure.services.charging.sessions import session_records
from dure.services.charging.sessions.journal_watch import JournalWatch
from dure.services.charging.stations.answering import Stations
from dure.services.charging.stations.station_watch import StationWatch
from dure.services.charging.tokens import token_desk
from dure.services.charging.tokens.token_key import token_key
from dure.services.charging.tokens.tokens import Token
from dure.spine.live import LiveValue

SITE = "cs-namyang-hall"
RUNNING, ENDED = ("ch-namyang-hall-1", "ev-namyang-hall-11", 1), ("ch-namyang-hall-2", "ev-namyang-hall-21", 1)
STORY, STORY_EVSE = "ch-namyang-library-2", "ev-namyang-library-21"
HELD, FAULTED = ("ch-namyang-hall-1", "ev-namyang-hall-12", 2), ("ch-namyang-hall-3", "ev-namyang-hall-32", 2)
REGISTER, POWER, SOC = "Energy.Active.Import.Register", "Power.Active.Import", "SoC"
MORNING_H = 12  # NOW is noon in Seoul
STEP_S = 300


def furnish_charging(running: RunningCity) -> dict[str, str]:
    """Fill the city; ids of what is in it, by name."""
    house = running.house
    running.call(asyncio.to_thread(_meters, running))
    running.call(asyncio.to_thread(_words, running))
    for watch in (JournalWatch(house), StationWatch(house), OriginWatch(house), SettleWatch(house), PlanWatch(house)):
        running.call(watch.look())
    ended = running.call(asyncio.to_thread(_session, running, ENDED[1]))
    now = running.call(asyncio.to_thread(_session, running, RUNNING[1]))
    running.call(asyncio.to_thread(_card, running))
    return {
        "site": SITE, "hub": "cs-dongtan-hub", "evse": RUNNING[1], "held": HELD[1], "faulted": FAULTED[1], "free": ENDED[1],
        "unknown": "ev-dongtan-hub-11", "session": ended, "running": now,
        "receipt": running.call(asyncio.to_thread(_receipt, running, ended)), "charger": ENDED[0], "silent": "ch-dongtan-hub-1",
    }  # fmt: skip


def _session(running: RunningCity, evse: str) -> str:
    with running.house.records.read() as connection:
        return session_records.listing(connection, session_records.Asked(evse=evse)).items[0].id


def _receipt(running: RunningCity, session: str) -> str:
    with running.house.records.read() as connection:
        return settlement_records.of_session(connection, session)[-1].sha256


def _card(running: RunningCity) -> None:
    house, by = running.house, By(running.admin, NOW - timedelta(days=3))
    with house.records.begin() as connection:
        token_desk.add(connection, "04A2B3C4D5E6", Token(digest="", label="City car 1"), token_key(house.settings.data), by)


def _hours() -> np.ndarray:
    """Hours since local midnight of every read until now."""
    return np.arange(0, MORNING_H * 3_600 + 1, STEP_S) / 3_600


def _powers(hours: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Power of what stands at the site over the morning [W]: sun from seven on, two cars, storage that takes and gives."""
    sun = np.clip(np.sin((hours - 7) / 11 * np.pi), 0, None) * 42_000
    first = np.where((hours >= 8.5) & (hours < 11.2), 6_800.0, 0.0)
    second = np.where(hours >= 10.25, 6_600.0, 0.0)
    taken = np.clip(sun - first - second - 2_400, 0, 20_000)
    given = np.where(hours < 2, 4_000.0, 0.0)
    load = np.full_like(hours, 2_400.0)
    net = first + second + taken + load - sun - given
    return {
        ("ev-namyang-hall-21", "evse_register"): first,
        ("ev-namyang-hall-11", "evse_register"): second,
        ("pv-namyang-hall", "solar_register"): sun,
        ("ess-namyang-hall", "storage_charge_register"): taken,
        ("ess-namyang-hall", "storage_discharge_register"): given,
        ("gm-namyang-hall", "grid_import_register"): np.clip(net, 0, None),
        ("gm-namyang-hall", "grid_export_register"): np.clip(-net, 0, None),
        ("gm-namyang-hall", "site_load_register"): load,
    }


def _registers() -> dict[tuple[str, str], np.ndarray]:
    hours = _hours()
    return {
        key: 1_000_000 + np.rint(np.concatenate(([0.0], np.cumsum(power[:-1]) * STEP_S / 3_600)))
        for key, power in _powers(hours).items()
    }


def _meters(running: RunningCity) -> None:
    """Registers of a morning and the powers of now."""
    house, hours = running.house, _hours()
    midnight_us = to_us(NOW - timedelta(hours=MORNING_H))
    time_us = midnight_us + (hours * 3_600_000_000).round().astype(np.int64)
    for key, value in _registers().items():
        n = len(value)
        ones = np.ones(n, np.uint8)
        columns = (np.zeros(n, np.int32), time_us, time_us, value.astype(float), ones, 0 * ones, np.zeros(n, np.int64))
        house.telemetry.append(Batch([key], *columns), {})
        house.live.load([LiveValue(*key, int(time_us[-1]), int(time_us[-1]), float(value[-1]), Flag.GOOD, 0)])
    now = {key[0]: float(power[-1]) for key, power in _powers(hours).items() if key[1] != "storage_discharge_register"}
    grid = now["ev-namyang-hall-11"] + now["ess-namyang-hall"] + 2_400 - now["pv-namyang-hall"]
    for asset, name, value in (
        ("pv-namyang-hall", "solar_power", now["pv-namyang-hall"]), ("gm-namyang-hall", "grid_power", grid),
        ("ess-namyang-hall", "storage_power", now["ess-namyang-hall"]), ("ess-namyang-hall", "storage_soc", 0.63),
        ("ev-namyang-hall-11", "evse_power", now["ev-namyang-hall-11"]), ("ev-namyang-hall-21", "evse_power", 0.0),
    ):  # fmt: skip
        at_us = to_us(NOW) - 20_000_000
        house.live.load([LiveValue(asset, name, at_us, at_us, value, Flag.GOOD, 0)])


def _words(running: RunningCity) -> None:
    """What chargers said this morning, as the journal keeps it."""
    dawn_us = to_us(NOW - timedelta(hours=10))
    words: list[Any] = []
    for charger, version in (
        ("ch-namyang-hall-1", "ocpp1.6"),
        ("ch-namyang-hall-2", "ocpp2.0.1"),
        ("ch-namyang-hall-3", "ocpp2.1"),
    ):
        words += [
            Linked(charger, version, dawn_us),
            Booted(charger, version, dawn_us, vendor="Dure", model="Virtual", firmware="1.2", reason="PowerUp"),
        ]  # fmt: skip
        words += [StatusSaid(charger, number, "available", dawn_us, dawn_us) for number in (1, 2)]
    words += _charge(ENDED, "tx-1", (NOW - timedelta(hours=3, minutes=30), NOW - timedelta(minutes=48)))
    words += _charge(RUNNING, "17", (NOW - timedelta(hours=1, minutes=45), None))
    at_us = to_us(NOW - timedelta(minutes=50))
    words.append(StatusSaid(HELD[0], HELD[2], "occupied", at_us, at_us, detail="SuspendedEV"))
    words.append(StatusSaid(FAULTED[0], FAULTED[2], "faulted", at_us, at_us, error="GroundFailure"))
    newest_us = to_us(NOW) - 30_000_000
    words += [Linked(charger, "ocpp2.0.1", newest_us) for charger in ("ch-namyang-hall-2",)]
    with running.house.records.begin() as connection:
        journal_records.append(
            connection,
            journal_records.Kept("csms-demo", 1, newest_us, len(words), journal_records.pack(words)),
        )


def _charge(at: tuple[str, str, int], transaction: str, span: tuple[datetime, datetime | None]) -> list[Any]:
    charger, evse, number = at
    hours, registers = _hours(), _registers()[evse, "evse_register"]
    midnight = NOW - timedelta(hours=MORNING_H)
    start, end = span

    def said(step: Any, when: datetime, context: str, **more: Any) -> TransactionSaid:
        read = float(np.interp((when - midnight).total_seconds() / 3_600, hours, registers))
        at_us = to_us(when)
        samples = (Sample(at_us, REGISTER, round(read), context=context), Sample(at_us, POWER, 6_700.0), Sample(at_us, SOC, 0.55))
        return TransactionSaid(charger, transaction, step, at_us, at_us, evse=number, token="d1", samples=samples, **more)

    steps = [StatusSaid(charger, number, "occupied", to_us(start), to_us(start), detail="Charging")]
    steps.append(said("started", start, "Transaction.Begin", seq_no=0, trigger="Authorized", charging_state="Charging"))
    when, n = start + timedelta(minutes=15), 1
    while when < (end or NOW):
        steps.append(said("updated", when, "Sample.Periodic", seq_no=n, trigger="MeterValuePeriodic", charging_state="Charging"))
        when, n = when + timedelta(minutes=15), n + 1
    if end is not None:
        steps.append(said("ended", end, "Transaction.End", seq_no=n, trigger="EVDeparted", stopped_reason="EVDisconnected"))
        steps.append(StatusSaid(charger, number, "available", to_us(end), to_us(end)))
    return steps


class Post:
    """A charger of OCPP 2.0.1: plugged in, it starts and stops as it is asked. The clock of the city stands still, so it tells
    each step a minute after the one before, the last one now.
    """

    def __init__(self, running: RunningCity, charger: str) -> None:
        self.running, self.charger = running, charger
        self.wh, self.transaction, self.seq = 500_000, "", 0
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    async def serve(self, port: int, ready: asyncio.Event) -> None:
        """Connect, boot, and obey until cancelled."""
        identity = f"dev-{self.charger}"
        basic = base64.b64encode(f"{identity}:{self.running.secrets[self.charger]}".encode()).decode()
        async with websockets.connect(
            f"ws://127.0.0.1:{port}/ocpp/{identity}", subprotocols=[websockets.Subprotocol("ocpp2.0.1")],
            additional_headers={"Authorization": f"Basic {basic}"}, proxy=None,
        ) as self.socket:  # fmt: skip
            hearing = asyncio.create_task(self._hear())
            station = {"model": "Post", "vendorName": "Test", "serialNumber": "P-1"}
            await self._call("BootNotification", {"reason": "PowerUp", "chargingStation": station})
            await self._status("Available")
            ready.set()
            with contextlib.suppress(websockets.ConnectionClosed):
                await hearing

    async def _hear(self) -> None:
        async for text in self.socket:
            kind, ident, *rest = json.loads(text)
            if kind == 2:
                await self.socket.send(json.dumps([3, ident, self._answer(*rest)]))
            elif ident in self._waiting:
                self._waiting.pop(ident).set_result(rest[0])

    def _answer(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        if action == "RequestStartTransaction":
            self._later(self._start(payload))
            return {"status": "Accepted"}
        if action == "RequestStopTransaction":
            self._later(self._stop())
            return {"status": "Accepted"}
        return {"status": "Accepted"}

    def _later(self, work: Any) -> None:
        self._doing = asyncio.create_task(work)

    async def _start(self, asked: dict[str, Any]) -> None:
        self.transaction, self.seq = f"post-{uuid4().hex[:8]}", 0
        await self._status("Occupied")
        more = {"idToken": asked["idToken"], "remoteStartId": asked["remoteStartId"]}
        await self._event("Started", "RemoteStart", "Transaction.Begin", more, remote=asked["remoteStartId"])
        self.wh += 100
        await self._event("Updated", "MeterValuePeriodic", "Sample.Periodic", {})

    async def _stop(self) -> None:
        self.wh += 100
        await self._event("Ended", "RemoteStop", "Transaction.End", {}, stopped="Remote")
        await self._status("Available")

    async def _event(
        self, kind: str, trigger: str, context: str, more: dict[str, Any], remote: int = 0, stopped: str = ""
    ) -> None:
        info: dict[str, Any] = {"transactionId": self.transaction, "chargingState": "EVConnected" if stopped else "Charging"}
        info |= {"stoppedReason": stopped} if stopped else {}
        info |= {"remoteStartId": remote} if remote else {}
        more.pop("remoteStartId", None)
        read = [
            {"value": self.wh, "measurand": REGISTER, "context": context, "unitOfMeasure": {"unit": "Wh"}},
            {"value": 7_000, "measurand": POWER, "context": context, "unitOfMeasure": {"unit": "W"}},
        ]
        at = self._now(2 - min(2, self.seq))
        meter = [{"timestamp": at, "sampledValue": read}]
        body = {"eventType": kind, "timestamp": at, "triggerReason": trigger, "seqNo": self.seq, "transactionInfo": info}
        self.seq += 1
        await self._call("TransactionEvent", body | {"evse": {"id": 1, "connectorId": 1}, "meterValue": meter} | more)

    async def _status(self, status: str) -> None:
        body = {"timestamp": self._now(), "connectorStatus": status, "evseId": 1, "connectorId": 1}
        await self._call("StatusNotification", body)

    def _now(self, minutes_ago: int = 0) -> str:
        return (self.running.clock.now() - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")

    async def _call(self, action: str, payload: dict[str, Any]) -> Any:
        ident = uuid4().hex
        self._waiting[ident] = asyncio.get_running_loop().create_future()
        await self.socket.send(json.dumps([2, ident, action, payload]))
        return await asyncio.wait_for(self._waiting[ident], 20)


@contextlib.asynccontextmanager
async def _plugged(running: RunningCity) -> Any:
    house, ready = running.house, asyncio.Event()
    async with central.opened(house, Stations(house)) as found:
        tasks = [asyncio.create_task(Post(running, STORY).serve(found.port, ready)), asyncio.create_task(_rounds(house))]
        try:
            await asyncio.wait_for(ready.wait(), 30)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _rounds(house: Any) -> None:
    watches = (JournalWatch(house), StationWatch(house))
    while True:
        for watch in watches:
            await watch.look()
        await asyncio.sleep(0.2)


@contextlib.contextmanager
def plugged(running: RunningCity) -> Any:
    """The central system of the city with a real charger at it, and the rounds of the journal."""
    opened, ended = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with _plugged(running):
            opened.set()
            await ended.wait()

    holding = asyncio.run_coroutine_threadsafe(hold(), running._loop)  # noqa: SLF001  # the city's own loop

    async def wait() -> None:
        waiting = asyncio.create_task(opened.wait())
        await asyncio.wait({waiting, asyncio.wrap_future(holding)}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    running.call(wait())
    if holding.done():
        holding.result()
    try:
        yield
    finally:
        running._loop.call_soon_threadsafe(ended.set)  # noqa: SLF001
        holding.result(30)


__all__ = ["STORY_EVSE", "furnish_charging", "plugged"]
