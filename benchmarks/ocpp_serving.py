"""The central system as `dure run csms` runs it, in a process of its own: ``python ocpp_serving.py FOLDER STATIONS``.

Says port, process and secrets in ``FOLDER/said.json`` when it listens. Chargers and secrets are in a real register, words in the
journal of a real SQLite file with full synchronisation.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from dure.city import read_city
from dure.config import Settings
from dure.running.one_part import settle_memory
from dure.running.parts import open_house
from dure.services.charging.central import central
from dure.spine.seeding import read_secrets

RING = [[126.8, 37.1], [127.0, 37.1], [127.0, 37.3], [126.8, 37.3], [126.8, 37.1]]
HEAD = "id,kind,name_ko,name_en,lon,lat,parent,state,device,number"


def write_city(folder: Path, stations: int) -> None:
    """A city with sites of a hundred chargers, one EVSE each."""
    (folder / "assets").mkdir(parents=True)
    (folder / "city.toml").write_text(
        'id = "loadville"\nname = { ko = "부하시", en = "Loadville" }\ntime_zone = "Asia/Seoul"\ncenter = [126.9, 37.2]\n',
        "utf-8",
    )
    shape = {"type": "Polygon", "coordinates": [RING]}
    zone = {"type": "Feature", "id": "all", "properties": {"name_ko": "전체", "name_en": "All"}, "geometry": shape}
    (folder / "zones.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}), "utf-8")
    rows = [HEAD]
    for number in range(stations):
        site = f"site-{number // 100}"
        if number % 100 == 0:
            rows.append(f"{site},charging_site,{site},{site},126.9,37.2,,live,,")
        rows.append(f"cp-{number},charger,cp-{number},cp-{number},126.9,37.2,{site},live,cp-{number},")
        rows.append(f"cp-{number}-1,evse,cp-{number}-1,cp-{number}-1,126.9,37.2,cp-{number},live,,1")
    (folder / "assets" / "charging.csv").write_text("\n".join(rows) + "\n", "utf-8")


async def main(folder: Path, stations: int) -> None:
    write_city(folder / "city", stations)
    settings = Settings(
        data_dir=str(folder / "data"), city_dir=str(folder / "city"), nats_port=0, mqtt_port=0, ocpp_port=0,
        ocpp_per_address=100_000, log_level="warning", disk_free_min_mb=0,
    )  # fmt: skip
    async with (
        open_house(settings, read_city(folder / "city"), parts=frozenset({"bus"})) as house,
        central.opened(house) as found,
    ):
        settle_memory()
        said = {"port": found.port, "pid": os.getpid(), "secrets": read_secrets(settings.data)}
        (folder / "part.json").write_text(json.dumps(said))
        (folder / "part.json").replace(folder / "said.json")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
