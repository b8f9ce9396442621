"""Every minute: each station against its neighbours. What differs too much gets a new flag, with the reason kept.

Limits are learned from the network's own residuals of the last day and kept in the records, so that a restart does not
begin with wide ones. Values that failed another check neither judge nor are judged.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import structlog
from sqlalchemy import select

from dure.core.observations import Check, Flag, Revisions
from dure.core.time import US_PER_S, day_of, to_us
from dure.engines.records import dialect
from dure.engines.records.tables_environment import environment_indices as indices
from dure.services.environment.faults.findings import Verdict, keep_verdicts
from dure.services.environment.neighbours.network import Neighbourhoods, surround
from dure.services.environment.neighbours.network_round import Reason, Round, network_round
from dure.services.environment.neighbours.network_rules import NetworkRule, Thresholds, learn_thresholds, rules_on, starting

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from dure.core.assets import Asset
    from dure.services.environment.watches.station_register import StationRegister
    from dure.spine.house import House
    from dure.spine.live import LiveValue

log = structlog.get_logger("dure.environment")

FRESH_PERIODS = 2  # a value older than so many of its periods says nothing of now
REMEMBERED = 1_440  # rounds whose residuals teach the limits: a day
LEARN_EVERY = 10
USUAL_LEAST = 60  # rounds before a station's own usual difference from its neighbours is believed
LIMITS = "network_limits"


class Seen(msgspec.Struct, frozen=True, eq=False):
    """One property at one instant: stations in a fixed order, their newest values, and the judgement."""

    rule: NetworkRule
    assets: Sequence[str]
    values: Sequence[LiveValue | None]
    found: Round


class NetworkWatch:
    """The newest values of every compared property, judged by the network."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._house, self._stations = house, stations
        self._places: dict[tuple[str, int], tuple[tuple[str, ...], Neighbourhoods]] = {}
        self._residuals: dict[str, deque[dict[str, float]]] = {}
        self._limits: dict[str, Thresholds] = {}
        self._judged: dict[tuple[str, str], int] = {}
        self._rounds = 0

    async def look(self) -> list[Seen]:
        """One round over every property; what was found, told and kept."""
        stations = await self._stations.live()
        if not self._rounds:
            self._limits = await asyncio.to_thread(self._remembered)
        seen = await asyncio.to_thread(lambda: [one for one in self._look_at_all(stations) if one is not None])
        verdicts = [verdict for one in seen for verdict in self._new_verdicts(one)]
        if verdicts:
            await self._tell(verdicts)
        self._rounds += 1
        if self._rounds % LEARN_EVERY == 0:
            await asyncio.to_thread(self._learn)
        return seen

    def _look_at_all(self, stations: Mapping[str, Asset]) -> Iterable[Seen | None]:
        now = self._house.clock.now()
        day = day_of(now, self._house.city.zone)
        for name, rule in rules_on(day, self._house.city.folder).items():
            known = self._house.properties.get(name)
            if known is not None:
                yield self._look_at(rule, stations, to_us(now), FRESH_PERIODS * known.period_s * US_PER_S)

    def _look_at(self, rule: NetworkRule, stations: Mapping[str, Asset], now_us: int, fresh_us: int) -> Seen | None:
        live = {one.asset: one for one in self._house.live.of_property(rule.id) if one.asset in stations}
        if len(live) <= rule.neighbours_least:
            return None
        assets, places = self._neighbourhoods(rule, stations, tuple(sorted(live)))
        newest = [live[name] if abs(now_us - live[name].time_us) <= fresh_us else None for name in assets]
        values = np.array([one.value if one is not None and one.value is not None else np.nan for one in newest])
        held = np.array([one is not None and _held_already(one) for one in newest], np.bool_)
        limits = self._limits.get(rule.id) or starting(rule)
        found = network_round(values, places, limits, held=held, usual=self._usual(rule.id, assets))
        self._remember(rule.id, assets, found)
        return Seen(rule, assets, newest, found)

    def _neighbourhoods(
        self, rule: NetworkRule, stations: Mapping[str, Asset], assets: tuple[str, ...]
    ) -> tuple[tuple[str, ...], Neighbourhoods]:
        """Who stands near whom, made anew only when a station came, went or was moved."""
        key = (rule.id, self._stations.generation)
        known = self._places.get(key)
        if known is None or known[0] != assets:
            points = [place.point if (place := stations[name].place) else None for name in assets]
            lon = np.array([np.nan if one is None else one.lon for one in points])
            lat = np.array([np.nan if one is None else one.lat for one in points])
            heights = elevations([stations[name] for name in assets]) if rule.gradient_per_m else None
            places = surround(lon, lat, heights, radius_m=rule.radius_m, most=rule.neighbours_most)
            self._places = {one: place for one, place in self._places.items() if one[0] != rule.id}
            known = self._places[key] = (assets, places)
        return known

    def _remember(self, name: str, assets: Sequence[str], found: Round) -> None:
        residual = {
            asset: value
            for asset, value, reason in zip(assets, found.deviation.tolist(), found.reason.tolist(), strict=True)
            if reason in (Reason.AGREES, Reason.UNLIKE_NEIGHBOURS)
        }
        self._residuals.setdefault(name, deque(maxlen=REMEMBERED)).append(residual)

    def _usual(self, name: str, assets: Sequence[str]) -> NDArray[np.float64]:
        """(n,) the usual difference of each station from its neighbours [unit], 0 until enough rounds are seen."""
        past = self._residuals.get(name, ())
        usual = np.zeros(len(assets))
        if len(past) < USUAL_LEAST:
            return usual
        for number, asset in enumerate(assets):
            own = [one[asset] for one in past if asset in one]
            if len(own) >= USUAL_LEAST:
                usual[number] = 0.0 if not np.isfinite(middle := np.median(own)) else middle
        limit = (self._limits[name].sd if name in self._limits else 0.0) * 2
        return np.clip(usual, -limit, limit)  # a grossly wrong station does not make itself usual

    def _new_verdicts(self, seen: Seen) -> list[Verdict]:
        """Verdicts on values that were not judged before and whose flag gets worse."""
        verdicts = []
        for number in np.flatnonzero(seen.found.reason == Reason.UNLIKE_NEIGHBOURS).tolist():
            value, flag = seen.values[number], int(seen.found.flag[number])
            key = (seen.assets[number], seen.rule.id)
            if value is None or self._judged.get(key) == value.time_us or flag <= value.flag:
                continue
            self._judged[key] = value.time_us
            evidence = seen.found.evidence(number)
            names = [seen.assets[one] for one in evidence.pop("neighbours")]
            detail = evidence | {"neighbours": names, "value": value.value, "unit": seen.rule.unit}
            limit = seen.found.fail[number] if flag == Flag.FAIL else seen.found.suspect[number]
            verdicts.append(
                Verdict(
                    asset=key[0],
                    property=key[1],
                    time_us=value.time_us,
                    check=int(Check.UNLIKE_NEIGHBOURS),
                    flag=flag,
                    statistic=float(seen.found.deviation[number]),
                    threshold=float(limit),
                    detail=detail,
                )
            )
        return verdicts

    async def _tell(self, verdicts: Sequence[Verdict]) -> None:
        """Keep the reasons first, then tell the recorder: a flag never stands without its reason."""

        def keep() -> None:
            with self._house.records.begin() as connection:
                keep_verdicts(connection, verdicts, self._house.clock.now())

        await asyncio.to_thread(keep)
        await self._house.intake.revise(revisions_of(verdicts), source="network")

    def _learn(self) -> None:
        now = self._house.clock.now()
        day = day_of(now, self._house.city.zone)
        rules = rules_on(day, self._house.city.folder)
        for name, past in self._residuals.items():
            rule = rules.get(name)
            if rule is not None:
                residuals = np.array([value for one in past for value in one.values()])
                learned = learn_thresholds(rule, residuals)
                if learned.learned or name not in self._limits:
                    self._limits[name] = learned
        rows = [
            {"asset": self._house.city.id, "name": f"{LIMITS}.{name}", "at": now, "result": msgspec.to_builtins(limits)}
            for name, limits in self._limits.items()
        ]
        with self._house.records.begin() as connection:
            dialect.upsert(connection, indices, rows)

    def _remembered(self) -> dict[str, Thresholds]:
        with self._house.records.read() as connection:
            return learned_limits(connection, self._house.city.id)


def learned_limits(connection: Connection, city: str) -> dict[str, Thresholds]:
    """The limits the network learned, by property."""
    query = select(indices.c.name, indices.c.result).where(indices.c.asset == city, indices.c.name.startswith(f"{LIMITS}."))
    found: dict[str, Thresholds] = {}
    for name, result in connection.execute(query):
        try:
            found[name.removeprefix(f"{LIMITS}.")] = msgspec.convert(result, Thresholds, strict=False)
        except msgspec.ValidationError:  # kept by another version: learned anew
            continue
    return found


def revisions_of(verdicts: Sequence[Verdict]) -> Revisions:
    """New flags for the rows that verdicts speak of."""
    numbers: dict[tuple[str, str], int] = {}
    series = np.array([numbers.setdefault((one.asset, one.property), len(numbers)) for one in verdicts], np.int32)
    time_us = np.array([one.time_us for one in verdicts], np.int64)
    flag = np.array([one.flag for one in verdicts], np.uint8)
    check = np.array([one.check for one in verdicts], np.uint8)
    return Revisions(list(numbers), series, time_us, flag, check)


def elevations(stations: Sequence[Asset]) -> NDArray[np.float64] | None:
    """(n,) heights above the sea [m]; None unless every station states its own: half a list would condemn hills."""
    told = [one.attributes.get("elevation_m") for one in stations]
    try:
        return np.array([float(one) for one in told], np.float64)  # type: ignore[arg-type]  # None is refused below
    except (TypeError, ValueError):
        return None


def _held_already(value: LiveValue) -> bool:
    """Whether another check has spoken already; the network's own word of the last round does not count."""
    if value.flag == Flag.GOOD or value.check == Check.UNLIKE_NEIGHBOURS:
        return False
    return not (value.flag == Flag.SUSPECT and value.check in (Check.ABOVE_LIKELY, Check.BELOW_LIKELY, Check.OUTSIDE_CLIMATE))
