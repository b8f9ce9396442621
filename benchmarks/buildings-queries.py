"""Questions to a city of 2,380 meters and a year of hours (21 M rows), each asked 60 times in other words, in a warm process.

The functions that are timed are those the pages and routes use. Wall time; the CPU seconds of the same questions stand beside it,
for a machine that others use, too. The peer of the portfolio is the same question from the hourly rows in the telemetry.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from buildings_city import KNOWN, METERS_N, make, meters, registered
from report import Row, write

from dure.services.buildings.comparing import comparison_desk
from dure.services.buildings.comparing.comparison_desk import Asked
from dure.services.buildings.explaining.explain import explain
from dure.services.buildings.explaining.sources import Register, books_of
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months.month_making import midnight_us
from dure.services.buildings.months.portfolio import Question, month_totals, portfolio
from dure.web.app import create_app

N = 60
MONTHS = [f"2025-{n:02}" for n in range(1, 13)]
PROGRAMMES = ("NGMS", "ESG", "KETS")


def timed(questions: Iterable[Callable[[], Any]]) -> tuple[list[float], list[float]]:
    """Wall and CPU milliseconds of each."""
    wall, cpu = [], []
    for ask in questions:
        begun, used = time.perf_counter(), time.process_time()
        ask()
        wall.append((time.perf_counter() - begun) * 1_000)
        cpu.append((time.process_time() - used) * 1_000)
    return wall, cpu


def rows_of(
    figure: str, questions: list[Callable[[], Any]], bar: float | None, peer: tuple[float, str] | None = None
) -> list[Row]:
    """p50 and p95, and the CPU time of the 95th of a hundred."""
    questions[0]()  # a warm process
    wall, cpu = timed(questions)
    return percentiles(figure, wall, cpu, bar, peer)


def percentiles(
    figure: str, wall: list[float], cpu: list[float], bar: float | None, peer: tuple[float, str] | None = None
) -> list[Row]:
    """The rows of one figure."""
    told = (("p50", np.percentile(wall, 50)), ("p95", np.percentile(wall, 95)), ("p95 of CPU time", np.percentile(cpu, 95)))
    return [
        Row(
            figure=f"{figure}, {name}", ours=round(float(value), 2), unit="ms", better="lower", bar=bar,
            peer=peer[0] if peer and name == "p50" else None, peer_name=peer[1] if peer and name == "p50" else "",
        )
        for name, value in told
    ]  # fmt: skip


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="dure-buildings-") as folder:
        house = make(Path(folder))
        try:
            found = ask_all(house)
        finally:
            house.telemetry.close()
            house.records.close()
    write("buildings-queries", found)
    return 0 if all(row.met is not False for row in found) else 1


def ask_all(house: Any) -> list[Row]:
    known, place, zone = registered(house), house.city.folder, house.city.zone
    year = midnight_us(date(2025, 1, 1), zone), midnight_us(date(2026, 1, 1), zone)
    chance = np.random.default_rng(7)
    some = [meters()[n] for n in chance.choice(METERS_N, N, replace=False)]

    def series(meter: str, fuel: str) -> Callable[[], Any]:
        return lambda: interval_books.read(house.telemetry, meter, SUPPLIES[fuel].use, year)

    def read(work: Callable[[Any], Any]) -> Callable[[], Any]:
        def ask() -> Any:
            with house.records.read() as connection:
                return work(connection)

        return ask

    spans = [(MONTHS[a], MONTHS[b], PROGRAMMES[(a + b) % 3]) for a in range(12) for b in range(a, 12)][:N]
    told = [Question(first, last, None, programme) for first, last, programme in spans]
    earlier = [Question("2025-01", "2025-12", KNOWN + timedelta(minutes=n)) for n in range(10)]
    asked = [Asked(last="2025-12", programme=PROGRAMMES[n % 3]) for n in range(N)]
    today = date(2026, 1, 5)
    totals = [read(lambda c, q=one: month_totals(place, c, known, q)) for one in told]
    tables = [read(lambda c, q=one: portfolio(place, c, known, q[0], q[1], programme=q[2])) for one in spans]
    then = [read(lambda c, q=one: month_totals(place, c, known, q)) for one in earlier]
    ranking = [read(lambda c, q=one: comparison_desk.compared(place, c, q, today, known)) for one in asked]
    hourly = timed([lambda: from_hours(house)])[0][0]
    return [
        *rows_of("one meter, a year of hours", [series(meter, fuel) for meter, _, fuel in some], 20),
        *rows_of("portfolio by month and fuel with dated factors", totals, 100, (round(hourly, 1), "roll-ups, no factors")),
        *rows_of("portfolio, a row for each building, month and fuel", tables, None),
        *rows_of("portfolio as it was known at an earlier instant", then, None),
        *rows_of("EUI ranking of 1,500 buildings", ranking, 50),
        *public_rows(house),
        *explained(house, some),
    ]


def from_hours(house: Any) -> None:
    """The same sums from the monthly roll-ups of the hours, as an engine without our months would make them."""
    start, end = midnight_us(date(2025, 1, 1), house.city.zone), midnight_us(date(2026, 1, 1), house.city.zone)
    for fuel in ("electricity", "city_gas", "heat", "water"):
        rows = house.telemetry.rollup(SUPPLIES[fuel].use, "day", start, end)
        month = rows.start_us // (86_400_000_000 * 30)
        np.bincount(month - month.min(), np.nan_to_num(rows.total)) if len(month) else None


def public_rows(house: Any) -> list[Row]:
    """Pages of the look-up as a visitor asks for them, rendered: lists, searches, filters, buildings."""
    app = create_app(house)
    paths = [f"/{'ko' if n % 2 else 'en'}/buildings?{asked}" for n, asked in enumerate(
        [*(f"words={n * 37 % 1500}" for n in range(20)), *(f"use={use}" for use in ("office", "school", "library", "welfare")),
         *(f"words=공공건물 {n}" for n in range(6))]
    )] + [f"/ko/buildings/b{n * 41 % 1500:04}" for n in range(30)]  # fmt: skip

    async def visit() -> tuple[list[float], list[float]]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            (await client.get("/ko/buildings")).raise_for_status()
            wall, cpu = [], []
            for path in paths:
                begun, used = time.perf_counter(), time.process_time()
                (await client.get(path)).raise_for_status()
                wall.append((time.perf_counter() - begun) * 1_000)
                cpu.append((time.process_time() - used) * 1_000)
            return wall, cpu

    wall, cpu = asyncio.run(visit())
    return percentiles("public look-up of 1,500 buildings, whole pages", wall, cpu, 200)


def explained(house: Any, some: list[tuple[str, str, str]]) -> list[Row]:
    """Figures of meters, buildings and bodies, unfolded to their readings."""
    books = books_of(house, Register(house))
    figures = [f"meter/{meter}/month/{MONTHS[n % 12]}" for n, (meter, _, _) in enumerate(some[:20])]
    figures += [f"building/{building}/energy/2025" for _, building, _ in some[20:35]]
    figures += [f"building/{building}/carbon/{MONTHS[n % 12]}" for n, (_, building, _) in enumerate(some[35:50])]
    figures += [f"building/{building}/eui/2025" for _, building, _ in some[50:60]]
    return rows_of("explain a figure", [lambda figure=one: explain(books, figure) for one in figures], 300)


if __name__ == "__main__":
    sys.exit(main())
