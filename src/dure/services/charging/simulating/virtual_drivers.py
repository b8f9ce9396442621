"""Drivers of virtual vehicles: when they come, what they need, how long they stay; drawn from one seed, or from a session file.

Figures stand in ``visits.toml`` with their sources. A driver who finds the EVSE taken drives on: that is for the site to see.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from statistics import NormalDist
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from dure.core.time import to_us

FILE = Path(__file__).with_name("visits.toml")
SATURDAY = 5
BY_QR = 0.08  # share of drivers who bring no card and start with their phone
UNKNOWN_CARD = 0.02
TELLS_NEED = 0.6  # share of vehicles that tell their need and departure, where the station can ask
US_PER_MIN = 60_000_000
VISITS_MAX_DAY = 40
CARDS = 20  # of the demo: DEMO0001 to DEMO0020
_NORMAL = NormalDist()


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one EVSE is visited; see ``visits.toml``."""

    source: str
    mark: str
    per_day: tuple[float, float]
    hours: tuple[float, ...]
    hours_off: tuple[float, ...]
    energy_kwh: tuple[float, ...]
    stay_min: tuple[float, ...]
    correlation: float
    direct_current: bool


class Vehicles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Kinds of vehicle, one per place of the lists."""

    source: str
    mark: str
    battery_kwh: tuple[float, ...]
    on_board_kw: tuple[float, ...]
    fast_kw: tuple[float, ...]


class Figures(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of ``visits.toml``."""

    quantiles: tuple[float, ...]
    profiles: dict[str, Profile]
    vehicles: Vehicles


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """One vehicle that comes to an EVSE.

    Attributes
    ----------
    arrives_us, leaves_us : plugged and unplugged [us since 1970 UTC]
    need_wh : what its driver wants of this stay; taken_wh what is in its battery when it comes
    max_w : most it takes here; card: number of the driver's card, -1 for none (starts by phone), -2 for one nobody knows
    tells : tells the station its need and departure
    """

    id: str
    arrives_us: int
    leaves_us: int
    need_wh: int
    battery_wh: int
    taken_wh: int
    max_w: float
    card: int
    tells: bool = False


@cache
def figures(file: Path = FILE) -> Figures:
    """The figures of drivers and vehicles."""
    return msgspec.convert(tomllib.loads(file.read_text("utf-8")), Figures)


def card_number(card: int) -> str:
    """What stands on a driver's card; -2 is a card nobody knows."""
    return f"DEMO{card + 1:04d}" if card >= 0 else "NOBODY01"


def chance(seed: int, name: str, number: int) -> float:
    """A number in (0, 1) that only depends on its arguments."""
    digest = hashlib.blake2b(f"{seed}/{name}/{number}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest) + 0.5) / (2**64 + 1)


def visits_of_day(seed: int, evse: str, profile: str, day: date, zone: ZoneInfo, busy: float = 1.0) -> list[Visit]:
    """The visits that begin at an EVSE on a local day, in their order; the same whenever they are asked for.

    The count is Poisson, `busy` times that of the profile; arrivals follow its hours; energy and stay are a Gaussian copula
    with its correlation over its quantiles.
    """
    known = figures()
    one = known.profiles[profile]
    off = day.weekday() >= SATURDAY
    rng = np.random.default_rng(np.frombuffer(hashlib.blake2b(f"{seed}/{evse}/{day}".encode()).digest(), dtype=np.uint32))
    count = min(int(rng.poisson(busy * one.per_day[off])), VISITS_MAX_DAY)
    weights = np.array(one.hours_off if off else one.hours)
    hours = rng.choice(24, size=count, p=weights / weights.sum())
    minutes = np.sort(hours * 60 + rng.uniform(0, 60, count))
    midnight = to_us(datetime.combine(day, time(0), zone))
    found = []
    for n, minute in enumerate(minutes.tolist()):
        a, b = rng.standard_normal(2)
        ranks = _NORMAL.cdf(a), _NORMAL.cdf(one.correlation * a + (1 - one.correlation**2) ** 0.5 * b)
        need_wh = int(1_000 * np.interp(ranks[0], known.quantiles, one.energy_kwh))
        stay_us = int(US_PER_MIN * np.interp(ranks[1], known.quantiles, one.stay_min))
        at = midnight + int(minute * US_PER_MIN)
        found.append(_visit(f"{evse}/{day}/{n}", (at, at + stay_us), need_wh, rng.uniform(size=4).tolist(), one))
    return found


def _visit(name: str, span: tuple[int, int], need_wh: int, drawn: Sequence[float], profile: Profile) -> Visit:
    kinds = figures().vehicles
    kind = int(drawn[0] * len(kinds.battery_kwh))
    battery_wh = int(1_000 * kinds.battery_kwh[kind])
    need_wh = min(need_wh, int(0.85 * battery_wh))
    taken_wh = int((battery_wh - need_wh) * (0.2 + 0.7 * drawn[1]))
    card = -1 if drawn[2] < BY_QR else -2 if drawn[2] < BY_QR + UNKNOWN_CARD else int(drawn[3] * CARDS)
    return Visit(
        id=name,
        arrives_us=span[0],
        leaves_us=span[1],
        need_wh=need_wh,
        battery_wh=battery_wh,
        taken_wh=taken_wh,
        max_w=1_000 * (kinds.fast_kw if profile.direct_current else kinds.on_board_kw)[kind],
        card=card,
        tells=drawn[3] * CARDS % 1 < TELLS_NEED,
    )


def visits_of_file(file: Path, days: tuple[date, date], max_w: float = 7_000.0, seed: int = 1) -> Iterator[Visit]:
    """The visits of a session file on local days [first, last).

    Its columns: ``session_id``, ``arrival``, ``departure``, ``energy_kwh``, as in the shared session files.
    """
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    for row in csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")):
        arrival, departure = datetime.fromisoformat(row["arrival"]), datetime.fromisoformat(row["departure"])
        if not days[0] <= arrival.date() < days[1]:
            continue
        need_wh = round(1_000 * float(row["energy_kwh"]))
        battery_wh = max(64_000, round(1.2 * need_wh))
        yield Visit(
            id=row["session_id"],
            arrives_us=to_us(arrival),
            leaves_us=to_us(departure),
            need_wh=need_wh,
            battery_wh=battery_wh,
            taken_wh=(battery_wh - need_wh) // 2,
            max_w=max_w,
            card=int(CARDS * chance(seed, row["session_id"], 0)),
        )


def local_days(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[date]:
    """The local days that ``[start, end)`` touches."""
    day = start.astimezone(zone).date()
    while datetime.combine(day, time(0), zone) < end:
        yield day
        day += timedelta(days=1)
