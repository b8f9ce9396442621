"""What pages of public buildings show in the test city: fourteen buildings, their meters, three years of months, hours of one.

Every row comes by the functions that make it in a running house; nothing is written into tables by hand.
"""

from __future__ import annotations

import asyncio
import math
import random
from datetime import timedelta

import numpy as np
from demo_city import NOW, RunningCity

from dure.core.assets import Asset
from dure.core.geo import at
from dure.core.observations import Batch
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse

# id, name, use, m2, people, kWh/m2 a year of electricity, of the second fuel, which fuel
PLACES = (
    ("hall", Text("시청 본관", "City hall"), "office", 24_000, 900, 96, 40, "heat"),
    ("annex", Text("시청 별관", "City hall annex"), "office", 6_200, 240, 122, 31, "city_gas"),
    ("east-office", Text("동부출장소", "Eastern branch office"), "office", 5_400, 160, 81, 22, "city_gas"),
    ("west-office", Text("서부 행정복지센터", "Western community centre"), "office", 3_300, 90, 92, 26, "city_gas"),
    ("bay-office", Text("남양읍사무소", "Namyang town office"), "office", 3_100, 60, 74, 18, "kerosene"),
    ("lake-office", Text("호수동 주민센터", "Lakeside community centre"), "office", 3_900, 70, 67, 15, "city_gas"),
    ("library", Text("중앙도서관", "Central library"), "library", 8_800, 700, 105, 24, "heat"),
    ("small-library", Text("꿈나무도서관", "Children's library"), "library", 2_100, 180, 88, 20, "city_gas"),
    ("welfare", Text("종합복지관", "Welfare centre"), "welfare", 4_700, 320, 110, 58, "city_gas"),
    ("pool", Text("국민체육센터(수영장)", "Sports centre with pool"), "sports", 9_600, 1_200, 160, 210, "city_gas"),
    ("health", Text("보건소", "Health centre"), "health", 3_800, 260, 118, 42, "heat"),
    ("culture", Text("문화예술회관", "Culture hall"), "culture", 12_400, 400, 70, 30, "heat"),
    ("empty", Text("새 청소년센터", "New youth centre"), "culture", 2_600, 150, 0, 0, "city_gas"),
    ("elders", Text("느티나무경로당", "Zelkova elders' house"), "welfare", 96, 7, 60, 40, "city_gas"),
)
FIRST, LAST = "2024-01", "2026-10"
HOURS_D = 60


def furnish_buildings(running: RunningCity) -> dict[str, str]:
    """Fill the city; ids of what is in it, by name."""
    made = running.call(asyncio.to_thread(_registered, running))
    running.call(running.house.directory.changed())
    running.call(asyncio.to_thread(_months, running))
    running.call(asyncio.to_thread(_hours, running, "demo-hall-electricity", 24_000 * 96 / 8_760))
    return made


def _registered(running: RunningCity) -> dict[str, str]:
    by, city = By("test", NOW - timedelta(days=400)), running.house.city
    with running.house.records.begin() as connection:
        for number, (key, name, use, area, people, _, _, fuel) in enumerate(PLACES):
            place = at(126.78 + 0.025 * (number % 5), 37.16 + 0.02 * (number // 5))
            attributes = {"use": use, "area_m2": str(area), "people": str(people), "body": city.name.ko, "region": "gyeonggi"}
            facts = {"city": city.id, "state": "live"}
            building = f"demo-{key}"
            assets.add(
                connection, Asset(id=building, kind="building", name=name, place=place, attributes=attributes, **facts), by
            )
            for one in ("electricity", fuel, *(["pv"] if key in ("hall", "library") else [])):
                words = {"fuel": one} | ({"supplier": "KDHC", "branch": "수도권"} if one == "heat" else {})
                label = Text(f"{name.ko} {SUPPLIES[one].name.ko}", f"{name.en}, {SUPPLIES[one].name.en}")
                meter = Asset(
                    id=f"{building}-{one}", kind="meter", name=label, place=place, attributes=words, parent=building, **facts
                )
                assets.add(connection, meter, by)
    return {"building": "demo-hall", "short": "demo-pool", "kept_back": "demo-elders", "empty": "demo-empty"}


def _months(running: RunningCity) -> None:
    rows = []
    for key, _, _, area, _, electricity, second, fuel in PLACES:
        chance = random.Random(key)  # noqa: S311  # a seeded city, no secret
        for month in months_between(FIRST, LAST) if electricity else ():
            rows.append(_month(f"demo-{key}", "electricity", month, area * electricity / 12, chance))
            if not (key == "pool" and month == "2026-03"):
                rows.append(_month(f"demo-{key}", fuel, month, area * second / 12, chance))
            if key in ("hall", "library"):
                rows.append(_month(f"demo-{key}", "pv", month, area * 0.3, chance))
    with running.house.records.begin() as connection:
        month_records.put(connection, rows)


def _month(building: str, fuel: str, month: str, kwh: float, chance: random.Random) -> MonthUse:
    winter = math.cos((int(month[5:]) - 1) / 12 * 2 * math.pi)
    season = 1 + (0.9 * winter if fuel not in ("electricity", "pv") else -0.5 * winter if fuel == "pv" else 0.16 * abs(winter))
    fade = 1 - 0.03 * (int(month[:4]) - 2024)
    wh = kwh * 1_000 * season * fade * chance.uniform(0.95, 1.05)
    book = SUPPLIES[fuel].book
    amount = round({"kJ": wh * 3.6, "L": wh / 9_800}.get(book, wh))  # a litre of kerosene holds about 9.8 kWh
    filled = amount // 20 if fuel == "electricity" and month in ("2026-02", "2025-08") else 0
    estimated = amount // 6 if fuel != "electricity" and month.endswith("-01") else 0
    return MonthUse(
        meter=f"{building}-{fuel}", month=month, known_at=NOW - timedelta(days=2), building=building, fuel=fuel, part="main",
        book=book, amount=amount, measured=amount - filled - estimated, estimated=estimated, filled=filled,
        half_width=filled // 5, coverage=0.95 if filled else 1.0, won=round(wh / 1_000 * (160 if fuel == "electricity" else 85)),
        source="intervals" if fuel == "electricity" else "bills",
    )  # fmt: skip


def _hours(running: RunningCity, meter: str, mean_kwh: float) -> None:
    """Two months of hours of a meter, as its intervals stand in the telemetry store."""
    chance = random.Random(meter)  # noqa: S311  # a seeded city, no secret
    first_us = to_us(NOW) - HOURS_D * 86_400_000_000
    time_us = first_us + np.arange(HOURS_D * 24, dtype=np.int64) * 3_600_000_000
    local_h = (time_us // 3_600_000_000 + 9) % 24
    weekday = ((time_us // 3_600_000_000 + 9) // 24 + 3) % 7
    shape = np.where((local_h >= 8) & (local_h < 19) & (weekday < 5), 1.9, 0.55)
    value = np.rint(mean_kwh * 1_000 * shape * np.array([chance.uniform(0.9, 1.1) for _ in time_us]))
    n = len(time_us)
    ones = np.ones(n, np.uint8)
    batch = Batch(
        [(meter, "electricity_use")], np.zeros(n, np.int32), time_us, time_us + 3_600_000_000, value, ones, 0 * ones,
        np.zeros(n, np.int64),
    )  # fmt: skip
    running.house.telemetry.append(batch, {})
