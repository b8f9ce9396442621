"""A running city of buildings with a clock the test sets; its rounds are called by hand, meters and people come by wire."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from city_running import PeopledCity, write_city

from dure.core.time import format_instant
from dure.running.parts import ALL
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.intervals.read_watch import ReadWatch
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_watch import MonthWatch
from dure.services.buildings.sites import registered

HEAD = (
    "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,parent,fuel,part,number,formula,rate_max_per_h,area_m2,parcel,use"
)
METERS = (
    "hall,building,시청,City hall,126.9,37.2,live,,,,,,,,,,5200,4159010100-0001-0000,office",
    "annex,building,별관,Annex,126.91,37.2,live,,,,,,,,,,1300,4159010100-0001-0000,office",
    "e-main,meter,전기,Electricity,126.9,37.2,live,dev-e-main,,,hall,electricity,main,0100-1,,400000,,,",
    "e-sub,meter,서버실,Server room,126.9,37.2,live,dev-e-sub,,,hall,electricity,sub,0100-2,,400000,,,",
    'e-rest,meter,나머지,The rest,126.9,37.2,live,,,,hall,electricity,sub,,"{""e-main"": 1, ""e-sub"": -1}",,,,',
    "g-main,meter,가스,Gas,126.9,37.2,live,,,,hall,city_gas,main,77-1,,,,,",
    "w-main,meter,수도,Water,126.9,37.2,live,dev-w-main,,,hall,water,main,55-1,,20000,,,",
)


class BuildingsCity(PeopledCity):
    """Two buildings on one parcel, meters of electricity, gas and water, and one that is a formula."""

    parts = ALL - {"waste", "environment", "buildings"}

    def __init__(self, folder: Path, at: datetime, meters: tuple[str, ...] = METERS) -> None:
        write_city(folder / "city", [])
        (folder / "city" / "assets" / "buildings.csv").write_text("\n".join([HEAD, *meters]) + "\n", "utf-8")
        super().__init__(folder, at)

    def begun(self) -> BuildingsCity:
        """Started, with its watches."""
        self.start()
        self.begin_anew()
        return self

    def begin_anew(self) -> None:
        """Watches that remember nothing, as after a restart."""
        self.reads, self.months = ReadWatch(self.house), MonthWatch(self.house)

    def look(self) -> tuple[int, int]:
        """A round of reads, then one of months; all they told is recorded."""
        reads = self.call(self.reads.look())
        self.recorded()
        return reads, self.call(self.months.look())

    def intervals(self, meter: str, use: str = "electricity_use") -> interval_books.Intervals:
        return interval_books.read(self.house.telemetry, meter, use, (0, 2**62))

    def month(self, meter: str, month: str) -> Any:
        with self.house.records.read() as connection:
            found = month_records.find(connection, month, month, meters=[meter])
        return found[0] if found else None

    def sites(self) -> Any:
        with self.house.records.read() as connection:
            return registered(connection)


def registers(property_id: str, start: datetime, values: list[int], step: timedelta = timedelta(hours=1)) -> bytes:
    """What a meter sends: its register at instants that follow each other."""
    readings = [
        {"property": property_id, "value": value, "time": format_instant(start + step * n)} for n, value in enumerate(values)
    ]
    return json.dumps({"readings": readings}).encode()
