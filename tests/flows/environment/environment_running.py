"""A running city of weather and air stations with a clock the test sets, its rounds called by hand, and ways to ask it."""

from __future__ import annotations

import contextlib
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
from city_running import PASSWORD, CityRunning, SteeredClock, settings_of, until, write_city

from dure.core.observations import Reading
from dure.core.time import format_instant
from dure.engines.records.audit import By
from dure.engines.records.parked import Parked
from dure.running.parts import ALL
from dure.services.environment.watches.station_register import StationRegister

NOW = datetime(2026, 11, 20, 6, 10, tzinfo=UTC)  # ten past three in the afternoon in Korea, an hour that has settled
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BY_HAND = ALL - {"environment"}  # the rounds of the service are called by the test, not by the time
STREET = {f"st-{n:02}": (126.855 + 0.03 * (n % 4), 37.17 + 0.027 * (n // 4)) for n in range(12)}  # some three km apart
HELD_S = 20.0  # the recorder reads the list of what is held back every five seconds

Place = tuple[float, float]


class EnvironmentCity(CityRunning):
    """Stations by name and place (longitude, latitude), each with a device `dev-STATION`."""

    def __init__(
        self,
        folder: Path,
        places: Mapping[str, Place],
        *,
        lines: Sequence[str] = (),
        parts: frozenset[str] = BY_HAND,
        clock: SteeredClock | None = None,
    ) -> None:
        rows = [
            f"{name},station,{name} 측정소,{name},{lon:.5f},{lat:.5f},live,dev-{name},," for name, (lon, lat) in places.items()
        ]
        if not (folder / "city").exists():
            write_city(folder / "city", [], (), (*rows, *lines))
        super().__init__(settings_of(folder))
        self.parts, self.clock = parts, clock or SteeredClock(NOW)
        self.sent: Counter[str] = Counter()
        self._asking: httpx.Client | None = None

    def start(self) -> EnvironmentCity:
        super().start()
        self.stations = StationRegister(self.house)
        return self

    # Sending

    def send(self, asset: str, readings: Sequence[Mapping[str, Any]], *, status: int = 202) -> dict[str, Any]:
        """Post as the station's device and wait until everything is stored."""
        name = f"dev-{asset}"
        answer = httpx.post(
            f"{self.url}/api/v1/readings",
            params={"wait": "stored"},
            json={"readings": list(readings)},
            auth=(name, self.secrets[name]),
            timeout=60,
        )
        assert answer.status_code == status, answer.text
        self.sent[asset] += len(readings)
        self.recorded()
        return answer.json()

    def series(self, asset: str, name: str, values: Sequence[float | None], step: timedelta, end: datetime | None = None) -> None:
        """Post values a step apart, the last one at `end` (now)."""
        times = times_until(end or self.clock.at, len(values), step)
        self.send(asset, [{"property": name, "value": v, "time": format_instant(t)} for v, t in zip(values, times, strict=True)])

    def history(self, name: str, table: Mapping[str, Sequence[float]], step: timedelta, end: datetime | None = None) -> None:
        """Bring past values of many stations in at once, as of now; the last one of each at `end` (now)."""
        pieces = {
            asset: [
                Reading(name, float(v), t)
                for v, t in zip(values, times_until(end or self.clock.at, len(values), step), strict=True)
            ]
            for asset, values in table.items()
        }
        self.call(self._bring([(asset, part, self.clock.at) for asset, part in pieces.items()]))

    def arriving(
        self, asset: str, name: str, values: Sequence[float], step: timedelta, *, ahead: timedelta = timedelta()
    ) -> None:
        """Values that came one by one, the last one now, NaN for none; the device's clock is ahead by so much."""
        times = times_until(self.clock.at, len(values), step)
        pieces = [(asset, [Reading(name, v, t + ahead)], t) for v, t in zip(values, times, strict=True) if not np.isnan(v)]
        self.call(self._bring(pieces))

    async def _bring(self, pieces: Sequence[tuple[str, list[Reading], datetime]]) -> None:
        accept, last = self.house.intake.accept, 0
        for asset, readings, received_at in pieces:
            kept = await accept(f"dev-{asset}", readings, way="http", received_at=received_at)
            last = max(last, kept.seq)
            self.sent[asset] += len(readings)
        assert self.house.recorder is not None
        assert await self.house.recorder.wait_for(last, 25)

    # Rounds

    def watch(self, kind: Callable[..., Any], *, since: datetime | None = None) -> Any:
        """A watch of the service over this city, as one that listens since an instant."""
        now, self.clock.at = self.clock.at, since or self.clock.at
        try:
            return kind(self.house, self.stations)
        finally:
            self.clock.at = now

    def look(self, watch: Any) -> Any:
        """One round; everything it told is recorded."""
        found = self.call(watch.look())
        self.recorded()
        return found

    def until_check(self, asset: str, name: str, value: float, check: str) -> tuple[float, int, str]:
        """Post a value a minute until a check decides: the recorder reads every few seconds what is held back."""

        def posted() -> tuple[float, int, str] | None:
            self.clock.at += MINUTE
            self.send(asset, [{"property": name, "value": value, "time": format_instant(self.clock.at)}])
            story = self.why(asset, name, self.clock.at)
            if story["check"] != check:
                time.sleep(0.4)  # the next try posts another value: not more of them than needed
                return None
            return story["observation"]["value"], story["observation"]["flag"], story["check"]

        return until(posted, HELD_S)

    # Asking

    def operator(self) -> httpx.Client:
        """A signed-in operator, by the city's own clock."""
        people, now = self.house.people, self.clock.at
        login = f"op-{time.monotonic_ns()}"
        people.add(login, "Operator", PASSWORD, ["operator", "admin"], By("test", now))
        token = people.sign_in(login, PASSWORD, now).token
        return httpx.Client(base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=30)

    @property
    def asking(self) -> httpx.Client:
        """One operator for all questions of this run."""
        if self._asking is None:
            self._asking = self.operator()
        return self._asking

    def stop(self) -> None:
        if self._asking is not None:
            self._asking.close()
            self._asking = None
        super().stop()

    def ask(self, path: str, **query: Any) -> Any:
        """What an operator is answered."""
        answer = self.asking.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settle(self, finding: str, note: str, state: str = "closed") -> dict[str, Any]:
        """What an operator does with a finding."""
        answer = self.asking.post(f"/environment/findings/{finding}/settle", json={"state": state, "note": note})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def judged(self, asset: str, name: str = "air_temperature", start: datetime | None = None) -> list[tuple[float, int, str]]:
        """(value, flag, check) of a series by time, as /observations has them."""
        start = start or self.clock.at - timedelta(days=2)
        end = self.clock.at + timedelta(days=1)
        rows = self.ask(
            "/observations", asset=asset, property=name, start=format_instant(start), end=format_instant(end), limit=1000
        )
        return [(one["value"], one["flag"], one["check"]) for one in sorted(rows["items"], key=lambda one: one["time"])]

    def why(self, asset: str, name: str, at: datetime) -> dict[str, Any]:
        """The explanation of one observation."""
        return self.ask(f"/explain/{quote(f'{asset}:{name}:{format_instant(at)}', safe=':')}")

    def findings(self, asset: str = "", state: str = "open") -> dict[str, dict[str, Any]]:
        """Findings by kind, of one station."""
        rows = self.ask("/environment/findings", asset=asset, state=state, limit=1000)["items"]
        return {one["kind"]: one for one in rows}

    def page(self, path: str = "", **query: str) -> str:
        """A public page in Korean, as somebody without an account sees it, its spaces joined."""
        answer = httpx.get(f"{self.url}/ko/environment{path}", params=query, timeout=30)
        assert answer.status_code == 200, answer.text
        return re.sub(r"\s+", " ", answer.text)

    def shown(self, asset: str, name: str = "air_temperature") -> tuple[str, str]:
        """Value and quality in the table of newest values on a station's public page, in words."""
        page = self.page(f"/stations/{asset}", property=name)
        row = re.search(rf'<th scope="row"><a href="[^"]*property={name}&amp;range=24h#history">.*?</tr>', page)
        assert row is not None, page
        value, quality, *_ = re.findall(r"<td[^>]*>(.*?)</td>", row[0])
        return plain(value), plain(quality)

    def written(self, name: str, value: float) -> str:
        """A value as pages write it."""
        return f"{value:.{self.house.properties[name].decimals}f}"

    def stored_n(self, asset: str) -> int:
        """Rows of a station, of every property that it was sent for."""
        keys = [key for key in self.house.telemetry.keys() if key[0] == asset]  # noqa: SIM118  # a question of the port
        return sum(len(self.house.telemetry.series(key, 0, 2**62).time_us) for key in keys)

    def nothing_is_lost(self, asset: str) -> bool:
        """Whether everything the station sent is stored or parked."""
        return until(lambda: self.stored_n(asset) + len(self.waiting(asset)) == self.sent[asset])

    def waiting(self, asset: str) -> list[Parked]:
        """What is parked of a station: what its device sent, and second values of an instant."""
        second = f'"asset":"{asset}"'.encode()
        return [one for one in self.parked() if one.device == f"dev-{asset}" or (not one.device and second in one.content)]

    @contextlib.contextmanager
    def listening(self, asset: str, least: int = 1) -> Iterator[list[dict[str, Any]]]:
        """What an open public page of one station hears by server-sent events, until so many changes."""
        heard: list[dict[str, Any]] = []
        ready = threading.Event()

        def hear() -> None:
            with httpx.stream("GET", f"{self.url}/api/v1/stream", params={"asset": asset}, timeout=60) as answer:
                for line in answer.iter_lines():
                    ready.set()
                    if line.startswith("data: ["):
                        heard.extend(json.loads(line[6:]))
                        if len(heard) >= least:
                            return

        thread = threading.Thread(target=hear)
        thread.start()
        assert ready.wait(30)
        yield heard
        thread.join(30)


def times_until(end: datetime, n: int, step: timedelta) -> list[datetime]:
    """n instants a step apart, the last one at `end`."""
    return [end - step * back for back in reversed(range(n))]


def plain(html: str) -> str:
    """The words of a piece of a page."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


class Weather:
    """A field that passes over a city: waves in space and time, seeded; each station with a level and noise of its own."""

    def __init__(self, seed: int, places: Mapping[str, Place], hours: int, length_m: float = 6_000.0) -> None:
        self.rng = np.random.default_rng(seed)
        self.names = list(places)
        x = np.array([(lon - 126.9) * 88_700 for lon, _ in places.values()])
        y = np.array([(lat - 37.2) * 111_320 for _, lat in places.values()])
        east, north = self.rng.normal(0, 1 / length_m, (2, 80))
        pace, phase = self.rng.uniform(0.1, 0.6, 80), self.rng.uniform(0, 2 * np.pi, 80)
        where = np.outer(x, east) + np.outer(y, north) + phase
        steps = np.arange(hours)
        self.passing = np.cos(where[:, None, :] + steps[None, :, None] * pace).sum(axis=2) * np.sqrt(2 / 80)
        self.day = np.cos(2 * np.pi * (steps - 15) / 24)

    def table(self, mean: float, passing: float, day: float, noise: float) -> dict[str, np.ndarray]:
        """Hourly values of every station."""
        n, hours = self.passing.shape
        values = mean + passing * self.passing + day * self.day + self.rng.normal(0, noise, (n, hours))
        return dict(zip(self.names, np.round(values, 2), strict=True))
