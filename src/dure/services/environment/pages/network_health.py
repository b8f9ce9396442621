"""How a network does: what part of the promised readings came in a day and how they were judged, station by station."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from sqlalchemy import func, select

from dure.core.time import US_PER_S, to_us
from dure.engines.records.tables import devices
from dure.services.environment.faults.findings import unsettled
from dure.services.environment.model import DERIVED, KINDS
from dure.services.environment.neighbours.network_rules import Thresholds, rules_on, starting
from dure.services.environment.watches.network_watch import learned_limits
from dure.web.standing import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from dure.core.assets import Asset
    from dure.core.observations import SeriesKey
    from dure.core.properties import Properties, Property
    from dure.engines.telemetry.port import Telemetry
    from dure.services.environment.faults.findings import Finding
    from dure.spine.house import House
    from dure.spine.live import Live
    from dure.web.standing import Standing

HOUR_US = 3_600 * US_PER_S
HOURS = 24
PERIOD_MAX_S = 6 * 3_600  # what comes more seldom promises nothing for a day
OWN_KINDS = frozenset(kind.id for kind in KINDS)
MADE_HERE = frozenset(one.id for one in DERIVED)


class Came(NamedTuple):
    """Readings of a day by how they were judged, and how many the periods promise.

    `waiting` are those not evaluated: of stations on trial.
    """

    good: int = 0
    suspect: int = 0
    failed: int = 0
    waiting: int = 0
    promised: int = 0

    def and_(self, other: Came) -> Came:
        """Both together."""
        return Came(*(mine + its for mine, its in zip(self, other, strict=True)))

    @property
    def came(self) -> int:
        """Readings with a value."""
        return self.good + self.suspect + self.failed + self.waiting

    @property
    def missing(self) -> int:
        """Readings promised that did not come, or came without a value."""
        return max(self.promised - self.came, 0)

    @property
    def share(self) -> float:
        """Share of what was promised that came and is fit to be shown (good and suspect), 0 to 1."""
        return (self.good + self.suspect) / max(self.promised, self.came, 1)

    @property
    def parts(self) -> tuple[tuple[str, float], ...]:
        """Each part of the bar and its share, 0 to 1; their order is that of the bar."""
        whole = max(self.promised, self.came, 1)
        counts = (self.good, self.suspect, self.failed, self.waiting, self.missing)
        return tuple(zip(("good", "suspect", "failed", "waiting", "missing"), (one / whole for one in counts), strict=True))


class Station(NamedTuple):
    """A row of the table."""

    standing: Standing
    came: Came
    findings: int


class Limit(NamedTuple):
    """The neighbours' limit of one property."""

    known: Property
    limits: Thresholds
    decimals: int


def came_by_series(
    telemetry: Telemetry, properties: Iterable[Property], now_us: int, since_us: Mapping[str, int]
) -> dict[SeriesKey, Came]:
    """Readings of the last day of every series, without what was promised; blocks.

    `since_us` is when a station's device was registered: what was imported for the time before is not the device's.
    """
    found: dict[SeriesKey, Came] = {}
    for known in properties:
        columns = telemetry.rollup(known.id, "hour", day_start_us(now_us), now_us)
        counts = (columns.n_good, columns.n_suspect, columns.n_fail, columns.n_not_evaluated)
        for asset, start_us, *row in zip(
            columns.asset, columns.start_us.tolist(), *(one.tolist() for one in counts), strict=True
        ):
            if start_us + HOUR_US > since_us.get(asset, 0):
                key = (asset, known.id)
                found[key] = found.get(key, Came()).and_(Came(*row))
    return found


def day_start_us(now_us: int) -> int:
    """The last day begins with an hour: 23 full ones and what has passed of this one."""
    return now_us // HOUR_US * HOUR_US - (HOURS - 1) * HOUR_US


def registered_us(house: House) -> dict[str, int]:
    """When the first device of each station was registered; blocks."""
    query = select(devices.c.asset, func.min(devices.c.created_at)).group_by(devices.c.asset)
    with house.records.read() as connection:
        return {asset: to_us(at) for asset, at in connection.execute(query)}


def promising(properties: Properties, live: Live) -> list[Property]:
    """Properties that stations send often enough to be counted within a day."""
    seen = {one.property for one in live.all()} - MADE_HERE
    return [one for one in properties if one.id in seen and one.period_s <= PERIOD_MAX_S]


class Day(msgspec.Struct, frozen=True):
    """What is known of the last day up to an instant: the properties that are counted, what came, and since when it counts."""

    now_us: int
    counted: list[Property]
    came: dict[SeriesKey, Came]
    since_us: dict[str, int]

    def of(self, one: Standing, property_id: str = "") -> Came:
        """All series of a station together, or one; a series that was ever heard promises its period."""
        start_us = max(day_start_us(self.now_us), self.since_us.get(one.asset.id, 0))
        whole = Came()
        for known in self.counted:
            if known.id in one.values and property_id in ("", known.id):
                promised = max(self.now_us - start_us, 0) // (known.period_s * US_PER_S)
                whole = whole.and_(self.came.get((one.asset.id, known.id), Came())).and_(Came(promised=promised))
        return whole


def day(house: House, now_us: int) -> Day:
    """The last day of the network; blocks."""
    counted, since_us = promising(house.properties, house.live), registered_us(house)
    return Day(now_us, counted, came_by_series(house.telemetry, counted, now_us, since_us), since_us)


def stations(standings: Sequence[Standing], measured: Day, findings: Iterable[Finding], property_id: str = "") -> list[Station]:
    """Every station with its day, those that need a person first."""
    open_n: dict[str, int] = {}
    for one in findings:
        open_n[one.asset] = open_n.get(one.asset, 0) + 1
    rows = [Station(one, measured.of(one, property_id), open_n.get(one.asset.id, 0)) for one in standings]
    return sorted(rows, key=lambda one: (ORDER.index(one.standing.status), -one.findings, one.came.share, one.standing.asset.id))


def is_station(asset: Asset) -> bool:
    """Whether an asset is one of ours that is in use."""
    return asset.kind in OWN_KINDS and asset.state != "retired"


def open_findings(house: House) -> list[Finding]:
    """Findings that wait for a person or are being seen to; blocks."""
    with house.records.read() as connection:
        return unsettled(connection)


def limits(house: House, on: date) -> list[Limit]:
    """The neighbours' limits in force: learned where the network has taught them, else the starting values; blocks."""
    with house.records.read() as connection:
        learned = learned_limits(connection, house.city.id)
    found = []
    for name, rule in rules_on(on, house.city.folder).items():
        known = house.properties.get(name)
        if known is not None:
            one = learned.get(name) or starting(rule)
            found.append(Limit(known, one, _decimals(one.suspect, known.decimals)))
    return found


def _decimals(value: float, least: int) -> int:
    """Decimals of a limit: two figures, but not fewer than the property's."""
    places = least
    while 0 < value * 10**places < 10 and places < 6:
        places += 1
    return places
