"""A running city with a virtual charging site whose chargers, meters and drivers reach it over the wire; time is the test's.

Rounds are called by hand. Vehicles come when the test says.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from city_running import PeopledCity, until, write_city

from dure.core.time import to_us
from dure.running.parts import ALL
from dure.services.charging.central import central
from dure.services.charging.sessions import live_states, session_records
from dure.services.charging.sessions.journal_watch import JournalWatch
from dure.services.charging.sessions.model import Session
from dure.services.charging.simulate import How, SitePlay, sites_simulated
from dure.services.charging.simulating import demo_cards
from dure.services.charging.simulating.charger_link import ChargerLink
from dure.services.charging.simulating.virtual_charger import VirtualCharger
from dure.services.charging.simulating.virtual_drivers import Visit
from dure.spine.virtual_devices import Connection

HEAD = (
    "id,kind,name_ko,name_en,lon,lat,parent,state,device,properties,contract_kw,price,tariff,ocpp,power_kw,number,phases,min_a,"
    "peak_kw,capacity_kwh,speaks,load_kw,fault"
)
EVSE = "evse_register evse_power vehicle_soc"
ROWS = (
    "plaza,charging_site,광장 충전소,Plaza,126.9,37.2,,live,,,60,,,,,,,,,,,5,",
    "gm,grid_meter,수전,Meter,126.9,37.2,plaza,live,dev-gm,grid_import_register grid_export_register,,,,,,,,,,,mqtt,,",
    "pv,pv,태양광,Sun,126.9,37.2,plaza,live,dev-pv,solar_register solar_power,,,,,,,,,20,,http,,",
    "ess,ess,저장,Storage,126.9,37.2,plaza,live,dev-ess,storage_soc storage_power,,,,,10,,,,,30,mqtt,,",
    "c-16,charger,1호기,One,126.9,37.2,plaza,live,dev-c16,,,,,1.6,,,,,,,1.6,,",
    f"e-16,evse,1-1,1-1,126.9,37.2,c-16,live,,{EVSE},,,,,7,1,1,6,,,,,",
    "c-201,charger,2호기,Two,126.9,37.2,plaza,live,dev-c201,,,,,1.6 2.0.1,,,,,,,2.0.1,,",
    f"e-201,evse,2-1,2-1,126.9,37.2,c-201,live,,{EVSE},,,,,7,1,2,6,,,,,",
    "c-21,charger,3호기,Three,126.9,37.2,plaza,live,dev-c21,,,,,any,,,,,,,2.1,,",
    f"e-21,evse,3-1,3-1,126.9,37.2,c-21,live,,{EVSE},,,,,50,1,dc,0,,,,,",
)
CHARGERS = ("c-16", "c-201", "c-21")
START = datetime.fromisoformat("2026-06-15T01:00:00+00:00")  # ten in the morning there


class StoryCity(PeopledCity):
    """One site: a charger of each version, sun, storage, a grid meter."""

    parts = ALL - {"waste", "environment", "buildings", "charging"}

    def __init__(self, folder: Path, at: datetime = START) -> None:
        write_city(folder / "city", [])
        (folder / "city" / "assets" / "charging.csv").write_text("\n".join([HEAD, *ROWS]) + "\n", "utf-8")
        super().__init__(folder, at)
        self._stations = folder / "stations"
        self._tasks: list[asyncio.Task[None]] = []

    def begun(self) -> StoryCity:
        """Started, with its stations connected."""
        self.start()
        demo_cards.register(self.house)
        self.connected()
        return self

    def connected(self) -> None:
        """Its stations come, and are heard."""
        self.journal = JournalWatch(self.house)
        self.call(self._connect())
        self.quiet()

    async def _connect(self) -> None:
        house = self.house
        url = f"ws://127.0.0.1:{central.of(house).port}/ocpp"
        way = Connection(mqtt_host="127.0.0.1", mqtt_port=self.mqtt_port, http_url=self.url, secrets=self.secrets)
        how = How(url=url, folder=self._stations, past=timedelta(0))
        self.play = SitePlay(house.city, sites_simulated(house.city)[0], house.clock, how)
        self._http = httpx.AsyncClient(base_url=self.url, timeout=30)
        self._meters = self.play.devices(way, self._http)
        self.links = {link.charger.charger.id: link for link in self.play.linked(url, self.secrets)}
        self._tasks = [asyncio.create_task(link.run()) for link in self.links.values()]

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.call(self._disconnect())
        super().stop()

    async def _disconnect(self) -> None:
        if not self._tasks:
            return  # its stations never came
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._meters.close()
        await self._http.aclose()

    # Stations and drivers

    def charger(self, name: str) -> VirtualCharger:
        """A virtual charger."""
        return self.links[name].charger

    def link(self, name: str) -> ChargerLink:
        """Its line."""
        return self.links[name]

    def comes(self, charger: str, need_wh: int = 3_000, minutes: int = 600, **more: Any) -> Visit:
        """A vehicle is plugged in; its driver holds a card, or none with ``card=-1``."""
        at_us = to_us(self.clock.at)
        usual = {"battery_wh": 60_000, "taken_wh": 20_000, "max_w": 50_000.0, "card": 3}
        visit = Visit(
            id=f"v-{charger}-{at_us}", arrives_us=at_us, leaves_us=at_us + minutes * 60_000_000, need_wh=need_wh, **(usual | more)
        )
        assert self.call(_do(lambda: self.charger(charger).plug(1, visit, at_us)))
        return visit

    def passes(self, minutes: int, step: int = 10) -> None:
        """Time goes by, at first by a minute, so that drivers get their answers; everything is said and taken in."""
        while minutes > 0:
            part = min(step, minutes) if minutes % step == 0 else 1
            minutes -= part
            self.later(minutes=part)
            self.call(self.play.step(self._meters))
            self.quiet()

    def passes_alone(self, minutes: int) -> None:
        """Time goes by while lines may be lost: nothing is waited for."""
        self.later(minutes=minutes)
        self.call(self.play.step(self._meters))
        self.call(self.journal.look())

    def silence(self, asset: str) -> None:
        """The meter of an asset says nothing any more."""
        self.call(_do(lambda: self._meters.mute(asset)))

    def quiet(self) -> None:
        """Wait until every connected station has said what it has to say, and the house has taken it in."""
        until(lambda: all(link.is_idle for link in self.links.values() if not link.is_cut))
        self.call(self.journal.look())

    # What became of it

    def sessions(self, charger: str = "") -> list[Session]:
        """Sessions, oldest first."""
        with self.house.records.read() as connection:
            found = session_records.listing(connection, session_records.Asked()).items
        return sorted((one for one in found if charger in {"", one.charger}), key=lambda one: one.started_at)

    def states(self) -> dict[str, live_states.EvseState]:
        """Live states of EVSEs."""
        with self.house.records.read() as connection:
            return live_states.states(connection)


async def _do(work: Any) -> Any:
    return work()
