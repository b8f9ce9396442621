"""Every ten minutes: what is wrong with which station, from the last days; findings are opened, refreshed and closed.

What was measured before a person closed a finding counts no more for findings of its sort: a fault that was mended is not
found again from its own past. Hours come from roll-ups. Where a check refused values, the readings themselves are looked at,
for a finding must stay in sight while it holds its own series back.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import structlog

from dure.core.observations import Check, Flag
from dure.core.time import US_PER_S, day_of, from_us, to_us
from dure.services.environment.faults import findings
from dure.services.environment.faults.diagnosis import (
    EXPLANATIONS,
    DiagnosisRules,
    Series,
    Window,
    diagnose_channels,
    diagnose_networks,
    diagnose_station,
    diagnosis_rules_on,
    on_grid,
)
from dure.services.environment.faults.findings import Seen
from dure.services.environment.faults.markings import hold_history
from dure.services.environment.grades.hours import HOUR_US
from dure.services.environment.neighbours.network import surround
from dure.services.environment.neighbours.network_rules import rules_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from dure.core.assets import Asset
    from dure.services.environment.faults.diagnosis import Finding
    from dure.services.environment.watches.station_register import StationRegister
    from dure.spine.house import House

log = structlog.get_logger("dure.environment")

NETWORK_H = 7 * 24
STATION_US = 24 * HOUR_US
LISTENED_US = HOUR_US  # a series is judged by itself after so long
GONE_US = 3 * HOUR_US  # a finding nobody has seen for so long is closed
YOUNG_US = 3 * HOUR_US  # so long after a finding was opened its history is held anew in each round
REACH = 3.0  # the neighbourhoods of the diagnosis reach so much further than those of the check of single values
WHOLE_STATION = frozenset({"moved", "swapped", "clock_off", "gaps", "doubled"})  # kinds that speak of all its quantities
DRIFT = "drift"
OF_NETWORKS = frozenset({"unit_mixed", "swapped", "channels_swapped", "moved"})
OF_STATIONS = frozenset(EXPLANATIONS) - OF_NETWORKS - {DRIFT}
# Refused by a check that looks beyond the value itself: the diagnosis must still see it.
REFUSED_BY_OTHERS = (
    Check.UNLIKE_NEIGHBOURS,
    Check.UNIT_DOUBTFUL,
    Check.DRIFTING,
    Check.STATION_DOUBTFUL,
    Check.CLOCK_OFF,
    Check.CLOCK_AHEAD,
)


class DiagnosisWatch:
    """All detectors over all stations."""

    def __init__(self, house: House, stations: StationRegister) -> None:
        self._house, self._stations = house, stations
        self._since_us = to_us(house.clock.now())
        self._mended: dict[frozenset[str], dict[tuple[str, str], int]] = {}

    async def look(self) -> list[findings.Finding]:
        """One round; the newly opened findings.

        The history of a young finding is held anew in each round: values still come as good until the assessor has
        heard of it, and a process may end between the two.
        """
        opened, young = await asyncio.to_thread(self._look, await self._stations.live())
        for one in young:
            await hold_history(self._house, one)
        return opened

    def _look(self, stations: Mapping[str, Asset]) -> tuple[list[findings.Finding], list[findings.Finding]]:
        now = self._house.clock.now()
        day = day_of(now, self._house.city.zone)
        rules = diagnosis_rules_on(day, self._house.city.folder)
        with self._house.records.read() as connection:
            self._mended = {kinds: findings.settled(connection, kinds, now) for kinds in (OF_NETWORKS, OF_STATIONS)}
        found = [*self._network(stations, rules, day, to_us(now)), *self._alone(stations, rules, to_us(now))]
        kinds = [kind for kind in EXPLANATIONS if kind != DRIFT]
        with self._house.records.begin() as connection:
            opened = findings.note(connection, seen_of(found), now)
            gone = findings.close_gone(connection, kinds, from_us(to_us(now) - GONE_US), now)
            young = [
                one for one in findings.unsettled(connection) if one.kind in kinds and to_us(now) - to_us(one.found_at) < YOUNG_US
            ]
        for one in (*opened, *gone):
            log.info("finding.opened" if one in opened else "finding.gone", asset=one.asset, kind=one.kind, finding=one.id)
        return opened, young

    def _network(self, stations: Mapping[str, Asset], rules: DiagnosisRules, day: date, now_us: int) -> Iterable[Finding]:
        windows = []
        for name, rule in rules_on(day, self._house.city.folder).items():
            if name in self._house.properties:
                window = self._window(name, REACH * rule.radius_m, stations, now_us // HOUR_US * HOUR_US)
                if len(window.assets) > rule.neighbours_least:
                    windows.append(window)
        yield from diagnose_networks(windows, rules)
        yield from diagnose_channels(same_stations(windows), rules)

    def _mended_us(self, kinds: frozenset[str], asset: str, name: str) -> int:
        """When a person last closed a finding of these kinds about a series or its whole station [µs]; 0 for never."""
        mended = self._mended[kinds]
        return max(mended.get((asset, name), 0), mended.get((asset, ""), 0))

    def _window(self, name: str, radius_m: float, stations: Mapping[str, Asset], end_us: int) -> Window:
        """A week of hours of one property at every station that has it."""
        start_us = end_us - NETWORK_H * HOUR_US
        rolled = self._house.telemetry.rollup(name, "hour", start_us, end_us)
        hour = (rolled.start_us - start_us) // HOUR_US
        usable = rolled.n_good + rolled.n_suspect > 0
        rows: dict[str, NDArray[np.float64]] = {}
        refused: set[str] = set()
        for row, asset in enumerate(rolled.asset):
            if asset in stations and 0 <= hour[row] < NETWORK_H:
                own = rows.setdefault(asset, np.full(NETWORK_H, np.nan))
                own[hour[row]] = rolled.mean[row] if usable[row] else np.nan
                if rolled.n_fail[row]:
                    refused.add(asset)
        for asset in refused:
            past = self._house.telemetry.series((asset, name), start_us, end_us)
            fit = np.isin(past.flag, (Flag.GOOD, Flag.SUSPECT)) | np.isin(past.check, REFUSED_BY_OTHERS)
            rows[asset] = on_grid(past.time_us, np.where(fit, past.value, np.nan), start_us, HOUR_US, NETWORK_H)
        for asset, own in rows.items():
            own[: max(0, -((start_us - self._mended_us(OF_NETWORKS, asset, name)) // HOUR_US))] = np.nan
        assets = sorted(rows)
        points = [place.point if (place := stations[one].place) else None for one in assets]
        lon = np.array([np.nan if one is None else one.lon for one in points], np.float64)
        lat = np.array([np.nan if one is None else one.lat for one in points], np.float64)
        values = np.stack([rows[one] for one in assets]) if assets else np.empty((0, NETWORK_H))
        return Window(name, assets, start_us, HOUR_US, values, surround(lon, lat, radius_m=radius_m))

    def _alone(self, stations: Mapping[str, Asset], rules: DiagnosisRules, now_us: int) -> Iterable[Finding]:
        """Each series by itself, over the time that was listened to."""
        start_us = max(now_us - STATION_US, self._since_us)
        if now_us - start_us < LISTENED_US:
            return
        for asset in stations:
            for name in self._house.live.of_asset(asset):
                known = self._house.properties.get(name)
                if known is None or known.period_s > STATION_US // US_PER_S:
                    continue
                past = self._house.telemetry.series((asset, name), start_us - STATION_US, now_us + STATION_US)
                heard_us = max(start_us, self._mended_us(OF_STATIONS, asset, name))
                came = past.result_us >= heard_us
                series = Series(
                    asset=asset,
                    property=name,
                    time_us=past.time_us[came],
                    arrival_us=past.result_us[came],
                    value=past.value[came],
                    check=past.check[came],
                    period_s=own_period_s(past.time_us[came], known.period_s),
                )
                yield from diagnose_station(series, heard_us, now_us, rules)


def own_period_s(time_us: NDArray[np.int64], usual_s: float) -> float:
    """How often a station speaks [s]: the middle step of its readings where that is slower than usual for the property."""
    steps = np.diff(time_us)
    steps = steps[steps > 0]
    return max(usual_s, float(np.median(steps)) / US_PER_S) if len(steps) >= 3 else usual_s


def same_stations(windows: Sequence[Window]) -> list[Window]:
    """The windows cut down to the stations that all large ones share, so that their quantities can be compared."""
    if len(windows) < 2:
        return []
    shared = set.intersection(*(set(one.assets) for one in windows if len(one.assets) * 2 >= max(len(w.assets) for w in windows)))
    kept = [one for one in windows if shared <= set(one.assets)]
    return [_cut(one, sorted(shared)) for one in kept] if len(shared) > 2 else []


def _cut(window: Window, assets: list[str]) -> Window:
    rows = [window.assets.index(one) for one in assets]
    return msgspec.structs.replace(window, assets=assets, values=window.values[rows], places=_places_of(window, rows))


def _places_of(window: Window, rows: list[int]) -> Any:
    """The neighbourhoods among the chosen stations alone."""
    numbers = np.full(len(window.assets) + 1, -1)
    numbers[rows] = np.arange(len(rows))
    places = window.places
    index = numbers[places.index[rows]]
    order = np.argsort(index < 0, axis=1, kind="stable")  # neighbours that stay keep their order and come first

    def sorted_(column: NDArray[Any]) -> NDArray[Any]:
        return np.take_along_axis(column[rows], order, axis=1)

    index = np.take_along_axis(index, order, axis=1)
    return msgspec.structs.replace(
        places,
        index=index,
        distance_m=np.where(index >= 0, sorted_(places.distance_m), np.inf),
        east_m=np.where(index >= 0, sorted_(places.east_m), 0.0),
        north_m=np.where(index >= 0, sorted_(places.north_m), 0.0),
        rise_m=np.where(index >= 0, sorted_(places.rise_m), 0.0),
        placed=places.placed[rows],
    )


def seen_of(found: Iterable[Finding]) -> list[Seen]:
    """Findings as the records keep them: what speaks of a whole station stands once, with the quantities that showed it."""
    merged: dict[tuple[str, str, str], list[Finding]] = {}
    for one in found:
        name = "" if one.kind in WHOLE_STATION else one.property
        merged.setdefault((one.asset, name, one.kind), []).append(one)
    return [_merged(key, ones) for key, ones in merged.items()]


def _merged(key: tuple[str, str, str], ones: list[Finding]) -> Seen:
    surest = max(ones, key=lambda one: one.confidence)
    evidence = plain(surest.evidence) | {
        "confidence": round(surest.confidence, 3),
        "since": from_us(min(one.since_us for one in ones)).isoformat(),
        "properties": sorted({one.property for one in ones}),
    }
    return Seen(asset=key[0], property=key[1], kind=key[2], evidence=evidence)


def plain(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence as JSON holds it: numbers of numpy become Python's, and what is no number is None."""

    def one(value: Any) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return {name: one(value) for name, value in evidence.items()}
