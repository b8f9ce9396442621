"""A whole city as `dure up` runs it, in a thread of its own: nats-server, SQLite, DuckDB, recorder, web face."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from dure.city import read_city
from dure.config import Settings
from dure.core.time import format_instant, to_us
from dure.engines.records import parked
from dure.engines.records.audit import By
from dure.running.parts import ALL, open_house
from dure.running.serving import served
from dure.spine.house import House
from dure.spine.seeding import read_secrets

T = TypeVar("T")
CITY = "testville"
PASSWORD = "a rather long one 42"
RING = [[126.8, 37.1], [127.0, 37.1], [127.0, 37.3], [126.8, 37.3], [126.8, 37.1]]
DEADLINE_S = 30.0


def write_city(folder: Path, live: list[str], quarantined: tuple[str, ...] = (), lines: tuple[str, ...] = ()) -> Path:
    """A city's folder with a station and a device `dev-STATION` for each name."""
    (folder / "assets").mkdir(parents=True)
    (folder / "city.toml").write_text(
        f'id = "{CITY}"\nname = {{ ko = "시험시", en = "Testville" }}\ntime_zone = "Asia/Seoul"\ncenter = [126.9, 37.2]\n',
        "utf-8",
    )
    zone = {
        "type": "Feature",
        "id": "all",
        "properties": {"name_ko": "전체", "name_en": "All"},
        "geometry": {"type": "Polygon", "coordinates": [RING]},
    }
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}), "utf-8")
    rows = [f"{name},station,{name} 측정소,{name},126.9,37.2,live,dev-{name},," for name in live]
    rows += [f"{name},station,{name} 측정소,{name},126.9,37.2,quarantined,dev-{name},," for name in quarantined]
    head = "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec"
    (folder / "assets" / "stations.csv").write_text("\n".join([head, *rows, *lines]) + "\n", "utf-8")
    return folder


def settings_of(folder: Path, **more: Any) -> Settings:
    """Everything on ports that are free."""
    own = {"data_dir": str(folder / "data"), "city_dir": str(folder / "city"), "http_port": 0, "nats_port": 0, "mqtt_port": 0}
    return Settings(**own | {"log_level": "warning", "quarantine_good_n": 5, "disk_free_min_mb": 0} | more)


class SteeredClock:
    """Stands until it is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class CityRunning:
    """One city from `start` to `stop`; it may be started again."""

    parts: frozenset[str] = ALL
    clock: SteeredClock | None = None  # none: the time itself

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.house: House
        self.url = ""
        self.mqtt_port = 0
        self._trouble: BaseException | None = None

    def start(self) -> CityRunning:
        self._ready = threading.Event()
        self._trouble = None
        self._thread = threading.Thread(target=self._run, name="city")
        self._thread.start()
        assert self._ready.wait(90), "the city did not start"
        if self._trouble is not None:
            self._thread.join()
            raise self._trouble
        return self

    def stop(self) -> None:
        """Cancel, as a signal does, wherever it is."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(90)
        assert not self._thread.is_alive(), "the city did not end"

    def call(self, work: Any) -> Any:
        """Run a coroutine where the house lives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            city = read_city(Path(self.settings.city_dir))
            async with (
                open_house(self.settings, city, parts=self.parts, clock=self.clock) as self.house,
                served(self.house) as self.url,
            ):
                address = json.loads((self.settings.data / "address.json").read_bytes())
                self.mqtt_port = address["mqtt_port"]
                self.secrets = read_secrets(self.settings.data)
                self._ready.set()
                await asyncio.Event().wait()
        except BaseException as error:
            if not self._ready.is_set():
                self._trouble = error
                self._ready.set()
            raise

    # Asking

    def rows(self, asset: str, property_id: str = "air_temperature") -> list[tuple[float | None, int]]:
        """Values and flags of one series by event time, as telemetry keeps them."""
        found = self.house.telemetry.series((asset, property_id), 0, 2**62)
        return [(None if v != v else v, flag) for v, flag in zip(found.value.tolist(), found.flag.tolist(), strict=True)]  # noqa: PLR0124

    def all_rows(self) -> list[tuple[Any, ...]]:
        """Every row of telemetry, in one order."""
        found = []
        for key in sorted(self.house.telemetry.keys()):  # a question of the port
            one = self.house.telemetry.series(key, 0, 2**62)
            columns = (one.time_us, one.result_us, np.nan_to_num(one.value, nan=-9999.0), one.flag, one.check, one.seq)
            found += [(*key, *row) for row in zip(*(c.tolist() for c in columns), strict=True)]
        return found

    def parked(self, device: str = "") -> list[parked.Parked]:
        """What waits."""
        with self.house.records.read() as connection:
            return parked.listing(connection, device=device, limit=1000).items

    def until_parked(self, device: str, n: int) -> list[parked.Parked]:
        return until(lambda: found if len(found := self.parked(device)) >= n else None)

    def until_rows(self, asset: str, n: int, property_id: str = "air_temperature") -> list[tuple[float | None, int]]:
        return until(lambda: found if len(found := self.rows(asset, property_id)) >= n else None)

    def recorded(self) -> None:
        """Wait until the recorder has come to the end of the stream."""
        seq = self.call(self.house.bus.state()).last_seq
        assert self.call(self.house.recorder.wait_for(seq, DEADLINE_S))

    def latest(self, asset: str) -> dict[str, Any]:
        """What the public sees as newest, by property."""
        items = httpx.get(f"{self.url}/api/v1/latest", params={"asset": asset}, timeout=20).raise_for_status().json()["items"]
        return {one["property"]: one["value"] for one in items}

    # Sending

    @contextlib.contextmanager
    def device(self, asset: str, *, secret: str = "", name: str = "") -> Iterator[Sender]:
        """An MQTT client signed in as the device of an asset."""
        name = name or f"dev-{asset}"
        sender = Sender(self.mqtt_port, name, secret or self.secrets[name])
        try:
            yield sender
        finally:
            sender.close()

    def post(self, asset: str, readings: list[dict[str, Any]]) -> dict[str, Any]:
        """Send by HTTP and wait until it is stored."""
        name = f"dev-{asset}"
        answer = httpx.post(
            f"{self.url}/api/v1/readings",
            params={"wait": "stored"},
            json={"readings": readings},
            auth=(name, self.secrets[name]),
            timeout=60,
        )
        assert answer.status_code == 202, answer.text
        return answer.json()

    def operator(self) -> httpx.Client:
        """A signed-in operator."""
        people = self.house.people
        now = datetime.now(UTC)
        login = f"op-{time.monotonic_ns()}"
        people.add(login, "Operator", PASSWORD, ["operator", "admin"], By("test", now))
        token = people.sign_in(login, PASSWORD, now).token
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30)


class PeopledCity(CityRunning):
    """A city whose clock the test sets, with people who sign in by that clock and ask by HTTP."""

    def __init__(self, folder: Path, at: datetime) -> None:
        super().__init__(settings_of(folder))
        self.clock = SteeredClock(at)
        self._clients: dict[str, httpx.Client] = {}

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        super().stop()

    def signed_in(self, role: str) -> httpx.Client:
        """Somebody with a role, by the city's own clock; another one each day."""
        login = f"{role}-{self.clock.at:%m%d}"
        if login not in self._clients:
            people, now = self.house.people, self.clock.at
            people.add(login, role, PASSWORD, [role], By("test", now))
            token = people.sign_in(login, PASSWORD, now).token
            headers = {"Authorization": f"Bearer {token}"}
            self._clients[login] = httpx.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=60)
        return self._clients[login]

    def asked(self, role: str, method: str, path: str, *, status: int = 200, **more: Any) -> Any:
        """What somebody is answered."""
        answer = self.signed_in(role).request(method, path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def later(self, **step: float) -> datetime:
        """Let time pass."""
        self.clock.at += timedelta(**step)
        return self.clock.at


class Sender:
    """A paho client whose publishes end when the broker has acknowledged them."""

    def __init__(self, port: int, name: str, secret: str) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311)
        self.client.username_pw_set(name, secret)
        self._answered = threading.Event()
        self.lost = threading.Event()
        self.answer = "closed"
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = lambda *_: (self.lost.set(), self._answered.set())
        self.client.reconnect_delay_set(60, 60)
        self.client.connect("127.0.0.1", port, 60)
        self.client.loop_start()
        assert self._answered.wait(DEADLINE_S)

    def _on_connect(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.answer = str(reason)
        self._answered.set()

    def send(self, payload: Any, *, qos: int = 1, topic: str = "") -> None:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        topic = topic or f"up/{CITY}/{self.client._client_id.decode()}"  # noqa: SLF001  # its own name
        self.client.publish(topic, body, qos).wait_for_publish(DEADLINE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def until(ask: Callable[[], T | None], seconds: float = DEADLINE_S) -> T:
    """The first answer that is something; a deadline far beyond what is usual ends the wait."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ask()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.02)


def reading(value: Any, seconds_ago: float = 60, property_id: str = "air_temperature", **more: Any) -> dict[str, Any]:
    """A reading of a little while ago."""
    return {"property": property_id, "value": value, "time": ago(seconds_ago)} | more


def ago(seconds: float) -> str:
    return format_instant(datetime.now(UTC) - timedelta(seconds=seconds))


def us_ago(seconds: float) -> int:
    return to_us(datetime.now(UTC) - timedelta(seconds=seconds))
