"""A running city of bins with a clock the test sets; its rounds are called by hand, its devices and people come over the wire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from city_running import PeopledCity, write_city

from dure.core.time import format_instant
from dure.running.parts import ALL

HEAD = (
    "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,"
    "stream,capacity_l,depth_m,full_m,shift,depot,profile,service_s,energy_kwh_100km"
)
DEPTH_M, FULL_M = 1.2, 0.2


class WasteCity(PeopledCity):
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
        super().__init__(folder, at)

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
