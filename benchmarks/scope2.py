"""Scope 2 by the hour for a city's companies: 2,380 meters, 8,760 hours; ``make bench NAME=scope2``.

Loads, suns, winds and rights are seeded. Measured: CPU time from arrays to grams of every company, and what must never be: Wh
of a source given out beyond what it generated, Wh that matched figures of rights, companies and meters differ by, Wh matched
beyond a meter's use. Beside it the annual method on the same year (how much it calls renewable that no hour can show), and as
peer the same rule as plain loops over Python numbers, run on a part of the meters and scaled to all meter-hours.
"""

from __future__ import annotations

import sys
import time
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from report import Row, tell, write

from dure.services.carbon.companies.hourly import WHOLE_PPM, Matched, Right, match
from dure.services.carbon.companies.hourly_emissions import hourly_figures

METERS, HOURS, COMPANIES, SOURCES = 2_380, 8_760, 240, 60
PEER_METERS = 24
GRID = Fraction(4173, 10_000)  # g/Wh: 0.4173 kg/kWh
LIMIT_S = 10.0


class World(NamedTuple):
    """A year of loads (n_meters, n_hours), owners, supplies (n_sources, n_hours) and rights."""

    load: np.ndarray
    owner: np.ndarray
    supply: np.ndarray
    rights: list[Right]


def world(seed: int, meters: int, hours: int) -> World:
    """Offices, shops and works; roofs, solar parks and wind; rights that give out at most one whole of each."""
    chance = np.random.default_rng(seed)
    hour = np.arange(hours)
    day, season = hour % 24, np.cos(2 * np.pi * hour / HOURS)
    work = ((day >= 8) & (day < 19) & (hour // 24 % 7 < 5)).astype(float)
    size = chance.lognormal(9.5, 1.0, meters)
    share = chance.uniform(0.2, 0.9, meters)
    load = size[:, None] * (share[:, None] * work + (1 - share[:, None]) * (1 + 0.2 * season))
    load *= chance.uniform(0.8, 1.2, (meters, 1)) * chance.uniform(0.9, 1.1, hours)
    companies = max(1, meters * COMPANIES // METERS)
    sources = max(2, meters * SOURCES // METERS)
    sun = np.clip(np.sin(np.pi * (day - 6) / 12), 0, None) * (1.1 - 0.4 * season) * chance.uniform(0.2, 1, hours)
    wind = np.clip(np.convolve(chance.normal(0.3, 0.3, hours), np.ones(12) / 12, "same"), 0, 1)
    peak = chance.lognormal(14, 0.7, sources)
    supply = peak[:, None] * np.where(np.arange(sources)[:, None] % 4 == 0, wind, sun)
    rights = []
    for source in range(sources):
        holders = chance.choice(companies, min(companies, 6), replace=False)
        cuts = np.sort(chance.integers(0, WHOLE_PPM, len(holders)))
        shares = np.diff(cuts, prepend=0)
        rights += [
            Right(id=f"r{source}-{company}", source=source, company=int(company), share_ppm=int(part), priority=1 + source % 2)
            for company, part in zip(holders, shares, strict=True)
        ]
    return World(load.astype(np.int64), chance.integers(0, companies, meters), supply.astype(np.int64), rights)


def ours(made: World) -> tuple[Matched, int, int]:
    """Matched, and location- and market-based grams of all companies."""
    found = match(*made)
    assert isinstance(found, Matched), found
    location = market = 0
    for company in range(found.by_company_wh.shape[0]):
        load = made.load[made.owner == company].sum(0)
        figures = hourly_figures(load, found.by_company_wh[company], GRID)
        location, market = location + figures.location_g, market + figures.market_g
    return found, location, market


def loops(made: World) -> list[list[int]]:
    """The same rule in plain loops: matched Wh of each meter and hour."""
    load, supply = made.load.tolist(), made.supply.tolist()
    owner = made.owner.tolist()
    order = sorted(made.rights, key=lambda one: (one.priority, one.source, one.id))
    found = [[0] * len(load[0]) for _ in load]
    for hour in range(len(load[0])):
        total: dict[int, int] = {}
        for meter, company in enumerate(owner):
            total[company] = total.get(company, 0) + load[meter][hour]
        left = dict(total)
        for one in order:
            got = min(supply[one.source][hour] * one.share_ppm // WHOLE_PPM, left.get(one.company, 0))
            if got:
                left[one.company] -= got
        running: dict[int, int] = {}
        given: dict[int, int] = {}
        for meter, company in enumerate(owner):
            if not total[company]:
                continue
            running[company] = running.get(company, 0) + load[meter][hour]
            upto = (total[company] - left[company]) * running[company] // total[company]
            found[meter][hour] = upto - given.get(company, 0)
            given[company] = upto
    return found


def annual_share(made: World, found: Matched) -> tuple[float, float]:
    """Share of the load called renewable: by the hour, and by sums of the year."""
    hourly = int(found.by_company_wh.sum())
    yearly = 0
    for company in range(found.by_company_wh.shape[0]):
        load = int(made.load[made.owner == company].sum())
        due = sum(
            int((made.supply[one.source] * one.share_ppm // WHOLE_PPM).sum()) for one in made.rights if one.company == company
        )
        yearly += min(load, due)
    total = int(made.load.sum())
    return 100 * hourly / total, 100 * yearly / total


def faults(made: World, found: Matched) -> tuple[int, int, int]:
    """Wh given out beyond a source, Wh by which sums differ, Wh beyond a meter's use."""
    beyond = 0
    for source in range(len(made.supply)):
        mine = [i for i, one in enumerate(made.rights) if one.source == source]
        beyond += int(np.clip(found.by_right_wh[mine].sum(0) - made.supply[source], 0, None).sum())
    by_right = np.zeros_like(found.by_company_wh)
    for i, one in enumerate(made.rights):
        by_right[one.company] += found.by_right_wh[i]
    by_meter = np.zeros_like(found.by_company_wh)
    np.add.at(by_meter, made.owner, found.by_meter_wh)
    differ = int(np.abs(by_right - found.by_company_wh).sum() + np.abs(by_meter - found.by_company_wh).sum())
    return beyond, differ, int(np.clip(found.by_meter_wh - made.load, 0, None).sum())


def main() -> int:
    quick = "--quick" in sys.argv
    meters, hours = (240, 720) if quick else (METERS, HOURS)
    made = world(7, meters, hours)
    ours(world(1, PEER_METERS, 24))  # the loop is compiled once and kept
    begun = time.process_time()
    found, _, _ = ours(made)
    cpu_s = time.process_time() - begun
    part = world(3, PEER_METERS, hours)
    begun = time.process_time()
    plain = loops(part)
    peer_s = (time.process_time() - begun) * meters / PEER_METERS
    mine, _, _ = ours(part)
    beyond, differ, over = faults(made, found)
    hourly, yearly = annual_share(made, found)
    rows = [
        Row(
            figure=f"{meters:,} meters x {hours:,} h to grams, CPU", ours=cpu_s, unit="s", better="lower", bar=LIMIT_S,
            peer=peer_s, peer_name=f"plain loops, {PEER_METERS} meters scaled",
        ),
        Row(figure="meter-hours a second of CPU", ours=meters * hours / cpu_s, unit="1/s", better="higher"),
        Row(figure="Wh of a source given out beyond what it generated", ours=beyond, unit="Wh", better="lower", bar=0),
        Row(figure="Wh by which rights, companies and meters differ", ours=differ, unit="Wh", better="lower", bar=0),
        Row(figure="Wh matched beyond a meter's use", ours=over, unit="Wh", better="lower", bar=0),
        Row(
            figure="Wh by which plain loops differ", unit="Wh", better="lower", bar=0,
            ours=int(np.abs(np.array(plain) - mine.by_meter_wh).sum()),
        ),
        Row(
            figure="share of the load called renewable", ours=hourly, unit="%", better="higher", peer=yearly,
            peer_name="annual sums of the same rights",
        ),
    ]  # fmt: skip
    (tell if quick else write)("scope2", rows)
    return 0 if all(row.met is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
