"""A made-up company of the demo city and the activity file its ESG officer would bring: bills, fuel, travel. Pure.

Its business number has a valid check digit; name, sites and amounts are invented.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from datetime import date

from dure.core.text import Text
from dure.services.carbon.companies.company import Company, Site
from dure.services.carbon.simulating.seeded import between

METERS = (("electricity", "0912345678", "plant"), ("electricity", "0912345679", "office"), ("city_gas", "4400123456", "plant"))
COMPANY = Company(
    id="demo-hwaseong-parts",
    name=Text("화성정밀부품(시연)", "Hwaseong Precision Parts (demo)"),
    business_number="124-81-00998",
    sites=(
        Site(id="plant", name=Text("향남 공장", "Hyangnam plant"), address="화성시 향남읍", floor_area_m2="12400"),
        Site(id="office", name=Text("동탄 사무소", "Dongtan office"), address="화성시 동탄", floor_area_m2="1800"),
    ),
    output_unit="t",
)
HEADINGS = ("활동", "사업장", "고객번호", "사용월", "사용량", "단위", "금액")
WON = {"electricity": 165.0, "city_gas": 22.0, "diesel": 1_520.0}


def activity_file(seed: int, today: date) -> bytes:
    """Bills of last year and this, up to the last whole month: UTF-8 CSV with a byte order mark, as spreadsheets save it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for year, month in reversed(list(_months(today, 11 + today.month))):
        writer.writerows(_rows(seed, year, month))
    return out.getvalue().encode("utf-8-sig")


def _rows(seed: int, year: int, month: int) -> Iterator[tuple[str, ...]]:
    stamp, cold = f"{year}-{month:02}", 0.5 + 0.5 * math.cos((month - 1) / 12 * 2 * math.pi)

    def row(kind: str, words: tuple[str, str, str], amount: float, unit: str) -> tuple[str, ...]:
        whole = round(amount * between(seed, f"{kind} {words[1]} {stamp}", 0.94, 1.06))
        name, site, meter = words
        return name, site, meter, stamp, str(whole), unit, str(round(whole * WON[kind])) if kind in WON else ""

    yield row("electricity", ("전기", "plant", METERS[0][1]), 148_000 + 9_000 * (1 - cold), "kWh")
    yield row("electricity", ("전기", "office", METERS[1][1]), 11_500 + 2_500 * abs(2 * cold - 1), "kWh")
    yield row("city_gas", ("도시가스", "plant", METERS[2][1]), 90_000 + 260_000 * cold, "MJ")
    yield row("diesel", ("경유", "plant", ""), 2_100, "L")
    yield row("travel_ktx", ("KTX", "office", ""), 3_800, "km")


def _months(today: date, count: int) -> Iterator[tuple[int, int]]:
    """The last whole months, newest first."""
    year, month = today.year, today.month
    for _ in range(count):
        year, month = (year - 1, 12) if month == 1 else (year, month - 1)
        yield year, month
