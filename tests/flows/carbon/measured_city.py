"""A running city whose services measure: a hall that saves, a charging site with sun, bins, a scale, a station.

Their rounds are called by hand and time is the test's; the carbon ledger runs by itself.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import numpy as np
from charging_story import StoryCity

from dure.core.time import day_interval, format_instant, from_us, to_us
from dure.engines.records.audit import By
from dure.services.buildings.baselines.saving_watch import SavingWatch
from dure.services.buildings.simulate import meters_simulated
from dure.services.buildings.simulating.virtual_buildings import HOUR_US, uses
from dure.services.carbon.governing.board_watch import BoardWatch
from dure.services.charging.origin.origin_watch import OriginWatch
from dure.services.charging.simulating import demo_cards
from dure.services.environment.watches.day_watch import DayWatch
from dure.services.environment.watches.station_register import StationRegister
from dure.services.waste.accounting import account_records
from dure.services.waste.accounting.account_watch import AccountWatch
from dure.services.waste.accounting.baseline import Due
from dure.services.waste.accounting.baseline_desk import BaselineDesk
from dure.services.waste.driving import tap_records
from dure.services.waste.model import Sighting

WAITS_S = 200.0  # at most, on a busy machine
SINCE = datetime(2025, 2, 28, 15, 0, tzinfo=UTC)  # midnight of 1 March in Korea
BEFORE = datetime(2026, 3, 31, 15, 0, tzinfo=UTC)  # midnight of 1 April
BEGINS = datetime(2026, 4, 1, 15, 0, tzinfo=UTC)  # 2 April: the measure
AFTERNOON = datetime(2026, 6, 15, 6, 0, tzinfo=UTC)  # three o'clock in the afternoon
MAY = [date(2026, 5, day) for day in range(1, 32)]
BINS = ("bin-1", "bin-2", "bin-3")
HALL = (
    "id,kind,name_ko,name_en,lon,lat,parent,state,device,use,area_m2,body,people,fuel,part,number,rate_max_per_h,speaks,fault",
    "hall,building,시청사,City hall,126.9,37.2,,live,,office,4200,시험시,300,,,,,,",
    "m-el,meter,전기,Power,126.9,37.2,hall,live,dev-m-el,,,,,electricity,main,1001,400000,use,",
    "sky,station,하늘,Sky,126.9,37.2,,live,dev-sky,,,,,,,,,,",
    "scale-1,scale,저울,Scale,126.9,37.2,,live,dev-scale-1,,,,,,,,,,",
)
WASTE = (
    "id,kind,name_ko,name_en,lon,lat,state,stream,capacity_l,depth_m,full_m,shift,depot,profile,service_s,energy_kwh_100km",
    *(f"{one},bin,{one} 통,{one},126.8{8 + n},37.1{8 + n},live,general,240,1.2,0.2,,,,60," for n, one in enumerate(BINS)),
    "yard,depot,차고지,Yard,126.87,37.17,live,,,,,,,,,",
    "plant,dump,소각장,Plant,126.92,37.2,live,,,,,,,,600,",
    "truck-1,truck,1호차,Truck 1,126.87,37.17,live,,8000,,,06:00-15:00,yard,mini-truck,,60",
)


def warmth(hours: Any) -> Any:
    """Air temperature [Cel] of each hour since 1970."""
    year, day = 2 * np.pi * (hours / 24 / 365.25), 2 * np.pi * ((hours + 9) % 24) / 24
    return np.round(13 - 12 * np.cos(year - 0.4) - 4 * np.cos(day) + 2 * np.sin(hours / 61), 1)


class MeasuredCity(StoryCity):
    """One of everything that tells evidence."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, BEFORE)
        assets = folder / "city" / "assets"
        for name, rows in (("hall", HALL), ("waste", WASTE)):
            (assets / f"{name}.csv").write_text("\n".join(rows) + "\n", "utf-8")

    def begun(self) -> MeasuredCity:
        """Started, with no station connected yet."""
        self.start()
        return self

    def patiently(self, work: Any) -> Any:
        """As `call`, for work that starts processes and fits models."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAITS_S)

    # What the services measure

    def hall_until(self, start: datetime, end: datetime) -> None:
        """What sky and meter say of the hours between two instants."""
        hours = np.arange(to_us(start) // HOUR_US, to_us(end) // HOUR_US)
        (meter,) = meters_simulated(self.house.city, AFTERNOON)
        saving = msgspec.structs.replace(meter, measure_at=BEGINS)
        self._sent("sky", "air_temperature", hours, warmth(hours))
        self._sent("m-el", "electricity_use", hours, uses(7, saving, int(hours[0]), len(hours), warmth(hours)))
        seq = self.call(self.house.bus.state()).last_seq
        assert self.patiently(self.house.recorder.wait_for(seq, WAITS_S))

    def _sent(self, asset: str, name: str, hours: Any, values: Any) -> None:
        rows = [
            {"property": name, "value": float(value), "time": format_instant(from_us(int(hour) * HOUR_US))}
            for hour, value in zip(hours, values, strict=True)
        ]
        secret = (f"dev-{asset}", self.secrets[f"dev-{asset}"])
        for at in range(0, len(rows), 4_000):
            part = rows[at : at + 4_000]
            answer = httpx.post(f"{self.url}/api/v1/readings", json={"readings": part}, auth=secret, timeout=WAITS_S)
            assert answer.json()["accepted"] == len(part), answer.text

    def measure(self) -> str:
        """A measure whose baseline is frozen before it begins; its id."""
        wanted = {
            "building": "hall", "name_ko": "LED", "name_en": "LED", "work": "led", "meters": ["m-el"], "begins_on": "2026-04-02",
            "baseline_start": "2025-03-31", "baseline_end": "2026-04-01", "kind": "hourly",
        }  # fmt: skip
        return str(self.asked("operator", "POST", "/buildings/measures", status=201, json=wanted)["id"])

    def saved(self) -> int:
        """What the measure saved in the months that closed is told; how many."""
        return int(self.patiently(SavingWatch(self.house).look()))

    def collected(self) -> int:
        """May: the calendar would have gone every day, the crew went every other day; how many days were accounted."""
        zone = self.house.city.zone
        taps = [
            Sighting(
                id=f"{one}-{day}", bin=one, kind="emptied", seen_at=at, level=0.6, received_at=at, person="crew", truck=truck
            )
            for day, truck in zip(MAY[::2], ("truck-1", "") * 8, strict=True)
            for n, one in enumerate(BINS)
            for at in [day_interval(day, zone).start + timedelta(hours=8, minutes=n)]
        ]
        with self.house.records.begin() as connection:
            tap_records.add(connection, taps)
        watch, found = AccountWatch(self.house), 0
        while found < len(MAY):
            found += self.patiently(watch.look())
        with self.house.records.read() as connection:
            accounts = account_records.accounts(connection, f"baseline-{MAY[0]}", MAY[0], MAY[-1] + timedelta(days=1))
        assert all((one.actual.distance_m > 0) == (one.actual.visits_n > 0) for one in accounts)
        return len(accounts)

    def calendar(self) -> None:
        """The calendar by which each bin was emptied before, frozen."""
        BaselineDesk(self.house).declare([Due(bin=one) for one in BINS], MAY[0], By("office", self.clock.at))

    def charged(self) -> None:
        """A day of the site: its stations come, a vehicle charges, the sun shines; told when the day is over."""
        demo_cards.register(self.house)
        self.connected()
        origins = OriginWatch(self.house)
        self.passes(60, 20)
        self.comes("c-201", need_wh=9_000, minutes=240)
        self.passes(2, 1)
        self.passes(15 * 60, 60)
        self.recorded()
        self.patiently(origins.look())

    def weather_told(self) -> int:
        """The weather of the days that are over."""
        return int(self.call(DayWatch(self.house, StationRegister(self.house)).look()))

    def weighed(self, n: int) -> None:
        """Bags on the scale: its readings by wire, the keeper's word by HTTP."""
        at = self.clock.at - timedelta(minutes=n + 1)
        for k in range(n):
            moment = format_instant(at + timedelta(minutes=k))
            self.post("scale-1", [{"property": "weighed_mass", "value": 2.5 + k / 4, "time": moment}])
            self.asked("crew", "POST", "/carbon/bags", json={"bag": f"bag-{k}"})
            body = {"bag": f"bag-{k}", "scale": "scale-1", "material": "paper", "weighed_at": moment}
            self.asked("crew", "POST", "/carbon/weighings", json=body)

    def board_made(self) -> None:
        """The board as of now; by itself it comes within a minute."""
        BoardWatch(self.house).look_once()
