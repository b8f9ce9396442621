"""What pages of public buildings show in the test city: buildings, meters, three years of months, hours, what is done with them.

Every row comes by the functions that make it in a running house; nothing is written into tables by hand.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
from demo_city import NOW, RunningCity

from dure.core.assets import Asset
from dure.core.geo import at
from dure.core.observations import Batch
from dure.core.text import Text
from dure.core.time import to_us
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.services.buildings.baselines.measure_desk import MeasureDesk
from dure.services.buildings.baselines.measures import Wanted
from dure.services.buildings.baselines.refit_watch import RefitWatch
from dure.services.buildings.baselines.saving_watch import SavingWatch
from dure.services.buildings.comparing import target_records
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.comparing.targets import Target
from dure.services.buildings.filing import filing_desk
from dure.services.buildings.filing.question import Question
from dure.services.buildings.finding import ticket_desk
from dure.services.buildings.finding.finding_rules import finding_rules
from dure.services.buildings.finding.findings import Finding
from dure.services.buildings.finding.ticket_desk import Opening, Seen
from dure.services.buildings.finding.worth import Worth
from dure.services.buildings.intervals.import_desk import ImportDesk
from dure.services.buildings.intervals.import_files import Asked
from dure.services.buildings.model import SUPPLIES, Meter
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.sites import registered

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
# kWh/m2 a year of electricity and of all else, by use, for the buildings that the city lists
USES = {"office": (95, 30), "library": (102, 26), "welfare": (112, 55), "sports": (150, 190), "health": (116, 40)}
METER = "demo-hall-electricity"
HOURS_D = 430
STATION = "air-namyang"
EMPTY = "bd-seosin-office"
BEGUN = date(2026, 9, 22)
BILLS = """계량기번호,사용량(kWh),청구금액,사용시작일,종료일
demo-annex-electricity,61200,9150000,2023-11-01,2023-12-01
demo-annex-electricity,"63,100",9390000,2023-12-01,2024-01-01
nobody-knows-it,10,1,2023-12-01,2024-01-01
"""


def furnish_buildings(running: RunningCity) -> dict[str, str]:
    """Fill the city; ids of what is in it, by name."""
    house = running.house
    made = running.call(asyncio.to_thread(_registered, running))
    running.call(house.directory.changed())
    running.call(asyncio.to_thread(_months, running))
    running.call(asyncio.to_thread(_hours, running, 24_000 * 96 / 8_760))
    running.call(RefitWatch(house).look())
    made["measure"] = running.call(asyncio.to_thread(_measure, running))
    running.call(SavingWatch(house).look())
    made["import"] = running.call(_import(running))
    return made | running.call(asyncio.to_thread(_papers, running))


def _measure(running: RunningCity) -> str:
    """LED lighting since September, entered afterwards."""
    wanted = Wanted(
        building="demo-hall", name=Text("LED 조명 교체", "LED lighting"), work="led", meters=(METER,), begins_on=BEGUN,
        baseline_start=BEGUN - timedelta(days=366), baseline_end=BEGUN, late=True,
    )  # fmt: skip
    return MeasureDesk(running.house).freeze(wanted, By(running.admin, NOW)).id


async def _import(running: RunningCity) -> str:
    """A file of bills of which one row is of nobody's meter."""
    done = await ImportDesk(running.house).confirm(BILLS.encode(), Asked(name="bills.csv"), "accepted", By(running.admin, NOW))
    return done.id


def _papers(running: RunningCity) -> dict[str, str]:
    """A finding, a target, a filing."""
    house, by = running.house, By(running.admin, NOW)
    rules = finding_rules(NOW.date(), house.city.folder)
    since = NOW - timedelta(days=12)
    leak = Finding(
        kind="leak", meter=METER, since=since, until=NOW - timedelta(hours=3), window_from=since, actual=164_000.0,
        expected=144_000.0, excess_per_h=20_000.0, hours_year=8_766, rule="finding@2026-11/base/surplus", provisional=False,
        numbers={"surplus_per_h": 20_000.0, "surplus_share": 0.139, "threshold_share": 0.08, "days": 12.0, "hours": 288.0},
    )  # fmt: skip
    worth = Worth(amount_year=175_320_000, energy_wh_year=175_320_000, won_year=28_051_200, co2e_g_year=80_500_000)
    seen = Seen(leak, Meter(id=METER, building="demo-hall", fuel="electricity"), worth)
    question = Question(kind="grade_sheet", subject="portfolio", period="2025", as_of=filing_desk.latest(house))
    target = Target(
        id="demo-target", subject="portfolio", kind="emissions_g", year=2030, value=3_000e6, base=6_000e6, base_from=2007,
        base_to=2009, programme="NGMS", person=running.admin, made_at=NOW,
    )  # fmt: skip
    with house.records.begin() as connection:
        (ticket,) = ticket_desk.open_found(connection, [seen], Opening(NOW, house.city.zone, rules))
        target_records.put(connection, target)
    return {"finding": ticket.id, "filing": filing_desk.given_out(house, question, by).filing.id}


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
    return {"building": "demo-hall", "short": "demo-pool", "kept_back": "demo-elders", "empty": "demo-empty", "meter": METER}


def _months(running: RunningCity) -> None:
    rows = list(_listed(running))
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


def _listed(running: RunningCity) -> Iterator[MonthUse]:
    """Months of the buildings that the city lists; one has none."""
    with running.house.records.read() as connection:
        known = registered(connection)
    for building in known.buildings.values():
        chance = random.Random(building.id)  # noqa: S311  # a seeded city, no secret
        if building.demo and building.id != EMPTY:
            for meter in known.meters_of(building.id):
                share = USES.get(building.use, (80, 30))[meter.fuel != "electricity"] if meter.supply.energy else 12
                if meter.part == "main" and not meter.formula:
                    for month in months_between(FIRST, LAST):
                        yield _month(building.id, meter.fuel, month, building.area_m2 * share / 12, chance, meter.id)


def _month(building: str, fuel: str, month: str, kwh: float, chance: random.Random, meter: str = "") -> MonthUse:
    winter = math.cos((int(month[5:]) - 1) / 12 * 2 * math.pi)
    season = 1 + (0.9 * winter if fuel not in ("electricity", "pv") else -0.5 * winter if fuel == "pv" else 0.16 * abs(winter))
    fade = 1 - 0.03 * (int(month[:4]) - 2024)
    wh = kwh * 1_000 * season * fade * chance.uniform(0.95, 1.05)
    book = SUPPLIES[fuel].book
    amount = round({"kJ": wh * 3.6, "L": wh / 9_800}.get(book, wh))  # a litre of kerosene holds about 9.8 kWh
    filled = amount // 20 if fuel == "electricity" and month in ("2026-02", "2025-08") else 0
    estimated = amount // 6 if fuel != "electricity" and month.endswith("-01") else 0
    return MonthUse(
        meter=meter or f"{building}-{fuel}", month=month, known_at=NOW - timedelta(days=2), building=building, fuel=fuel,
        part="main", book=book, amount=amount, measured=amount - filled - estimated, estimated=estimated, filled=filled,
        half_width=filled // 5, coverage=0.95 if filled else 1.0, won=round(wh / 1_000 * (160 if fuel == "electricity" else 85)),
        source="intervals" if fuel == "electricity" else "bills",
    )  # fmt: skip


def _hours(running: RunningCity, mean_kwh: float) -> None:
    """Fourteen months of hours of a meter, less since the measure began, and the air temperature of a station."""
    chance = np.random.default_rng(41_590)
    time_us = to_us(NOW) - HOURS_D * 86_400_000_000 + np.arange(HOURS_D * 24, dtype=np.int64) * 3_600_000_000
    local_h = (time_us // 3_600_000_000 + 9) % 24
    day = (time_us // 3_600_000_000 + 9) // 24
    shape = np.where((local_h >= 8) & (local_h < 19) & ((day + 3) % 7 < 5), 1.9, 0.55)
    warmth = 12.5 - 13.5 * np.cos((day % 365.25 - 15) / 365.25 * 2 * np.pi) + 4 * np.sin((local_h - 9) / 24 * 2 * np.pi)
    warmth += chance.normal(0, 1.5, len(time_us))
    load = mean_kwh * 1_000 * shape * (1 + 0.03 * np.maximum(0, warmth - 20) + 0.02 * np.maximum(0, 6 - warmth))
    load *= np.where(time_us >= to_us(datetime(2026, 9, 21, 15, tzinfo=UTC)), 0.85, 1.0) * chance.normal(1, 0.03, len(time_us))
    for series, value in (((METER, "electricity_use"), np.rint(load)), ((STATION, "air_temperature"), warmth.round(1))):
        n = len(time_us)
        ones = np.ones(n, np.uint8)
        batch = Batch(
            [series], np.zeros(n, np.int32), time_us, time_us + 3_600_000_000, value, ones, 0 * ones, np.zeros(n, np.int64)
        )
        running.house.telemetry.append(batch, {})
