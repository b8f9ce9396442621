"""A running city of bins with a clock the test sets; its rounds are called by hand, its devices and people come over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from city_running import PASSWORD, CityRunning, SteeredClock, settings_of, write_city

from dure.core.time import format_instant
from dure.engines.records.audit import By
from dure.running.parts import ALL

HEAD = (
    "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,"
    "stream,capacity_l,depth_m,full_m,shift,depot,profile,service_s,energy_kwh_100km"
)
DEPTH_M, FULL_M = 1.2, 0.2


class WasteCity(CityRunning):
    """Bins in a street with ranging sensors, a truck, a depot and a disposal site."""

    parts = ALL - {"waste", "environment"}

    def __init__(self, folder: Path, bins_n: int, at: datetime) -> None:
        self.bins = [f"bin-{n:02}" for n in range(1, bins_n + 1)]
        write_city(folder / "city", [])
        places = [(126.88 + 0.004 * (n % 4), 37.18 + 0.004 * (n // 4)) for n in range(bins_n)]
        rows = [
            f"{name},bin,{name} 통,Bin {name},{lon:.4f},{lat:.4f},live,dev-{name},,,general,240,{DEPTH_M},{FULL_M},,,,60,"
            for name, (lon, lat) in zip(self.bins, places, strict=True)
        ]
        rows += [
            "yard,depot,차고지,Yard,126.87,37.17,live,,,,,,,,,,,,",
            "plant,dump,소각장,Plant,126.92,37.2,live,,,,,,,,,,,600,",
            "truck-1,truck,1호차,Truck 1,126.87,37.17,live,,,,,8000,,,06:00-15:00,yard,mini-truck,,60",
        ]
        (folder / "city" / "assets" / "waste.csv").write_text("\n".join([HEAD, *rows]) + "\n", "utf-8")
        super().__init__(settings_of(folder))
        self.clock = SteeredClock(at)
        self._clients: dict[str, httpx.Client] = {}

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        super().stop()

    def filled(self, bin_id: str, levels: Sequence[tuple[datetime, float]]) -> None:
        """What a bin's sensor sends: the distance to the waste."""
        readings = [
            {"property": "distance", "value": round(DEPTH_M - level * (DEPTH_M - FULL_M), 4), "time": format_instant(at)}
            for at, level in levels
        ]
        assert self.post(bin_id, readings)["accepted"] == len(readings)

    def look(self, *watches: Any) -> list[Any]:
        """A round of each, in order; everything they told is recorded before the next."""
        found = []
        for watch in watches:
            found.append(self.call(watch.look()))
            self.recorded()
        return found

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
