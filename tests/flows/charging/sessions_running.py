"""A running city with one charging site; words are put into the journal as the central system does, and rounds called by hand."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from city_running import PeopledCity, write_city
from sqlalchemy import func, insert, select

from dure.core.time import to_us
from dure.engines.records.tables_charging_central import charging_journal
from dure.running.parts import ALL
from dure.services.charging.pricing.settle_watch import SettleWatch
from dure.services.charging.sessions.journal_watch import JournalWatch

HEAD = "id,kind,name_ko,name_en,lon,lat,state,device,dev_eui,codec,parent,number,power_kw,phases,contract_kw,price,stops_at_80"
ASSETS = (
    "plaza,charging_site,광장 충전소,Plaza,126.9,37.2,live,,,,,,,,100,,",
    "plaza-c1,charger,1호기,Charger 1,126.9,37.2,live,plaza-c1,,,plaza,,,,,,",
    "plaza-c1-1,evse,1호기 1번,Charger 1 EVSE 1,126.9,37.2,live,,,,plaza-c1,1,7,1,,,",
    "plaza-c2,charger,2호기,Charger 2,126.9,37.2,live,plaza-c2,,,plaza,,,,,,",
    "plaza-c2-1,evse,2호기 1번,Charger 2 EVSE 1,126.9,37.2,live,,,,plaza-c2,1,50,dc,,,",
    "plaza-c2-2,evse,2호기 2번,Charger 2 EVSE 2,126.9,37.2,live,,,,plaza-c2,2,50,dc,,,",
)


class ChargingCity(PeopledCity):
    """One site with three EVSEs."""

    parts = ALL - {"waste", "environment", "buildings", "charging"}

    def __init__(self, folder: Path, at: datetime) -> None:
        write_city(folder / "city", [])
        (folder / "city" / "assets" / "charging.csv").write_text("\n".join([HEAD, *ASSETS]) + "\n", "utf-8")
        super().__init__(folder, at)

    def begun(self) -> ChargingCity:
        """Started, with its watches."""
        self.start()
        self.begin_anew()
        return self

    def begin_anew(self) -> None:
        """Watches that remember nothing, as after a restart."""
        self.journal, self.settling = JournalWatch(self.house), SettleWatch(self.house)

    def said(self, *words: Any, writer: str = "csms-1") -> None:
        """One row of the journal."""
        with self.house.records.begin() as connection:
            newest = select(func.max(charging_journal.c.seq)).where(charging_journal.c.writer == writer)
            seq = (connection.execute(newest).scalar() or 0) + 1
            row = {
                "writer": writer, "seq": seq, "kept_us": to_us(self.clock.at), "words_n": len(words),
                "words": msgspec.msgpack.encode(list(words)),
            }  # fmt: skip
            connection.execute(insert(charging_journal), row)

    def look(self) -> int:
        """A round of the journal; what it told is recorded."""
        n = self.call(self.journal.look())
        self.recorded()
        return int(n)
