"""What `dure environment` does to a city: history judged anew, indices, maps, calibrations, onboarding, findings, alerts."""

from __future__ import annotations

import asyncio
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO

import msgspec
import numpy as np

from dure.core.errors import InputError, NotFound
from dure.core.observations import Check, Flag, Revisions
from dure.core.time import US_PER_S, Interval, day_of, from_us, parse_instant, to_us
from dure.engines.records.audit import By
from dure.engines.telemetry.port import SeriesColumns
from dure.running.desk import COMMAND, FAR_US, until_stored, visiting
from dure.services.environment.alerting import alert_records
from dure.services.environment.api.surface_api import coarse, csv_of
from dure.services.environment.calibrating.calibration_desk import CalibrationDesk, Proposal
from dure.services.environment.checks.assessing import rules_now
from dure.services.environment.checks.quality_history import judged_anew
from dure.services.environment.checks.quality_rules import with_ranges
from dure.services.environment.enrolling.enrolment import read_batch
from dure.services.environment.enrolling.enrolment_desk import Enrolled, EnrolmentDesk
from dure.services.environment.faults import findings
from dure.services.environment.faults.diagnosis_rules import diagnosis_rules_on, held_by
from dure.services.environment.grades.grading import Grading
from dure.services.environment.grades.hourly import fetch_hours
from dure.services.environment.maps.atlas import NONE, Atlas
from dure.services.environment.maps.surface import NoSurface
from dure.services.environment.watches import index_watch
from dure.services.environment.watches.station_register import load_stations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from dure.config import Settings
    from dure.core.observations import SeriesKey
    from dure.services.environment.alerting.alert_model import Alert, AlertState
    from dure.services.environment.calibrating.calibration import Model
    from dure.services.environment.checks.quality import Limits
    from dure.services.environment.checks.quality_history import Rejudged
    from dure.spine.house import House

SOURCE = "environment-history"
ROWS_AT_ONCE = 200_000
AFTER_US = 6 * 3_600 * US_PER_S  # the value after the last one decides whether that was a spike
VERDICTS_MAX = 1_000_000
LISTED_MAX = 500


class Span(msgspec.Struct, frozen=True):
    """From and until as a person wrote them; empty is without end."""

    start: str = ""
    end: str = ""

    def us(self, house: House) -> tuple[int, int]:
        """[µs since 1970 UTC)."""
        start, end = (None if not text else to_us(parse_instant(text, house.city.zone)) for text in (self.start, self.end))
        if start is not None and end is not None and end < start:
            raise InputError("time.interval_reversed", "The interval ends before it starts.")
        return start or 0, FAR_US if end is None else end


class Assessment(msgspec.Struct, frozen=True):
    """What judging a series anew changes: rows judged, rows that get worse by check, rows that become good."""

    key: SeriesKey
    rows: int
    worse: dict[str, int]
    better: int

    @property
    def changed(self) -> int:
        """Rows that get another flag."""
        return self.better + sum(self.worse.values())


# History


async def assess(
    settings: Settings, wanted: tuple[Sequence[str], Sequence[str], Span], step: Callable[[int, int], None], *, apply: bool
) -> list[Assessment]:
    """Judge stored series by the limits of today; with `apply` keep the flags that change. `wanted`: assets, properties, span."""
    async with visiting(settings) as house:
        assets, properties, span = wanted
        start_us, end_us = span.us(house)
        limits = rules_now(house).limits
        keys = [
            key
            for key in await asyncio.to_thread(house.telemetry.keys)
            if (not assets or key[0] in assets) and (not properties or key[1] in properties)
        ]
        tested = sorted(key for key in keys if key[1] in limits and key[1] in house.properties)
        if not tested:
            raise NotFound("export.nothing", "No series that is tested fits what was asked for.")
        held = await asyncio.to_thread(_held, house)
        reports, seq = [], 0
        for number, key in enumerate(tested, 1):
            own = with_ranges(limits[key[1]], house.properties[key[1]])
            kept, again = await asyncio.to_thread(_judge, house, key, own, (start_us, end_us), held)
            rows = again.changed & (kept.time_us >= start_us) & (kept.time_us < end_us)
            reports.append(_reported(key, kept, again, rows, (start_us, end_us)))
            if apply and rows.any():
                series = np.zeros(int(rows.sum()), np.int32)
                revisions = Revisions([key], series, kept.time_us[rows], again.flag[rows], again.check[rows])
                seq = await house.intake.revise(revisions, source=SOURCE)
            step(number, len(tested))
        await until_stored(house, seq)
    return reports


def _held(house: House) -> set[tuple[str, str]]:
    rules = diagnosis_rules_on(day_of(house.clock.now(), house.city.zone), house.city.folder)
    with house.records.read() as connection:
        return set(findings.holds(connection, held_by(rules)))


def _judge(
    house: House, key: SeriesKey, limits: Limits, span: tuple[int, int], held: set[tuple[str, str]]
) -> tuple[SeriesColumns, Rejudged]:
    """A series with what came before and after the span, and its flags as they would be."""
    start_us, end_us = span
    back_us = int(limits.memory_s * US_PER_S) + US_PER_S
    kept = _series(house, key, max(0, start_us - back_us), min(FAR_US, end_us + AFTER_US))
    entry = house.directory.asset(key[0])
    pinned = np.full(len(kept.time_us), entry is None or entry.state != "live" or key in held or (key[0], "") in held)
    with house.records.read() as connection:
        spoken = findings.verdicts_of(connection, [key], start_us, end_us, VERDICTS_MAX)
    pinned |= np.isin(kept.time_us, [one.time_us for one in spoken if one.flag in (Flag.SUSPECT, Flag.FAIL)])
    return kept, judged_anew(kept, limits, pinned)


def _series(house: House, key: SeriesKey, start_us: int, end_us: int) -> SeriesColumns:
    """One series, asked for in parts."""
    parts = [house.telemetry.series(key, start_us, end_us, limit=ROWS_AT_ONCE)]
    while len(parts[-1].time_us) == ROWS_AT_ONCE:
        parts.append(house.telemetry.series(key, int(parts[-1].time_us[-1]) + 1, end_us, limit=ROWS_AT_ONCE))
    if len(parts) == 1:
        return parts[0]
    return SeriesColumns(*(np.concatenate([getattr(one, name) for one in parts]) for name in SeriesColumns.__struct_fields__))


def _reported(key: SeriesKey, kept: SeriesColumns, again: Rejudged, rows: NDArray[np.bool_], span: tuple[int, int]) -> Assessment:
    good = again.flag[rows] == Flag.GOOD
    checks, counts = np.unique(again.check[rows][~good], return_counts=True)
    worse = {Check(check).name.lower(): int(n) for check, n in zip(checks.tolist(), counts.tolist(), strict=True)}
    inside = int(((kept.time_us >= span[0]) & (kept.time_us < span[1])).sum())
    return Assessment(key, inside, worse, int(good.sum()))


# Indices, maps


async def indices(settings: Settings, station: str, at: str) -> list[index_watch.Kept]:
    """The newest indices and grades; with `at` made anew from the hours before that instant."""
    async with visiting(settings) as house:
        if at:
            return await asyncio.to_thread(_indices_at, house, station, parse_instant(at, house.city.zone))
        with house.records.read() as connection:
            return index_watch.results_of(connection, asset=station)


def _indices_at(house: House, station: str, at: datetime) -> list[index_watch.Kept]:
    grading, at_us = Grading(house.city), to_us(at)
    rules = grading.rules(at_us)
    names = sorted(name for name in rules.measured if name in house.properties)
    hours = fetch_hours(house.telemetry, house.properties, names, (at_us, index_watch.HOURS_N), rules.share_min)
    stations = {name: one for name, one in load_stations(house.records).items() if one.state == "live"}
    found = grading.results(hours, stations, _sampled(house, at_us))
    wanted = (one for one in found if not station or one.asset == station)
    return [index_watch.Kept(one.asset, one.name, from_us(one.at_us), one.content) for one in wanted]


def _sampled(house: House, at_us: int) -> dict[SeriesKey, float]:
    """The newest good value known then of what is sampled by hand."""
    newest = {}
    for key in house.telemetry.keys():  # noqa: SIM118  # a question of the port, not a dict
        if key[1] in index_watch.SAMPLED:
            past = house.telemetry.series(key, at_us - index_watch.SAMPLE_AGE_US, at_us)
            good = past.value[(past.flag == Flag.GOOD) & np.isfinite(past.value)]
            if len(good):
                newest[key] = float(good[-1])
    return newest


async def draw(settings: Settings, property_id: str, target: Path) -> tuple[int, int]:
    """Write the map of now; cells (or squares) and stations used."""
    if target.suffix.lower() not in {".geojson", ".csv"}:
        raise InputError("export.form", f"{target.name!r} should end in .geojson or .csv.")
    async with visiting(settings) as house:
        known = house.properties[property_id]
        sheet = await Atlas(house).sheet(known, await asyncio.to_thread(load_stations, house.records))
    if isinstance(sheet.surface, NoSurface) or sheet.grid is None:
        why = sheet.why_not or NONE["too_few_stations"]
        stations, needed = getattr(sheet.surface, "sites", 0), getattr(sheet.surface, "needed", 0)
        raise NotFound("map.none", f"There is no map of {property_id}: {why.en} ({stations} usable, {needed} needed.)")
    if target.suffix.lower() == ".csv":
        target.write_text("".join(csv_of(sheet.grid, sheet.surface, known.decimals)), "utf-8")
        written = len(sheet.grid.cell)
    else:
        squares = coarse(sheet.grid, sheet.surface, known.decimals)
        target.write_bytes(msgspec.json.encode(squares))
        written = len(squares["features"])
    return written, sum(not one.code for one in sheet.stations)


# Devices, calibrations


async def enrol(settings: Settings, file: Path, secrets: Path | None, *, check: bool, update: bool) -> Enrolled:
    """Enrol the devices of a file; their secrets go to a new file that only its owner reads, when one is named."""
    body = file.read_bytes()
    with ExitStack() as stack:
        kept = None if secrets is None or check else stack.enter_context(_private(secrets))
        async with visiting(settings) as house:
            desk = EnrolmentDesk(house)
            batch = await asyncio.to_thread(read_batch, body, desk.ground())
            found = await desk.enrol(batch, By(COMMAND, house.clock.now()), check=check, update=update)
        if kept is not None:
            kept.write("device,secret\n" + "".join(f"{one.device},{one.secret}\n" for one in found.items if one.secret))
    return found


@contextmanager
def _private(file: Path) -> Iterator[TextIO]:
    """A new file that only its owner may read, there before the first secret is made; gone again when nothing came of it."""
    try:
        number = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError("cli.file_exists", f"{file} is there already; name a new file for the secrets.") from None
    with os.fdopen(number, "w", encoding="utf-8") as kept:
        try:
            yield kept
        except BaseException:
            file.unlink()
            raise


async def calibrate(settings: Settings, wanted: tuple[str, str, str, Span], *, activate: bool) -> Model:
    """Fit a sensor to the reference beside it, and use it if asked to and better. `wanted`: asset, property, reference, span."""
    asset, property_id, reference, span = wanted
    async with visiting(settings) as house:
        start, end = (parse_instant(text, house.city.zone) for text in (span.start, span.end))
        desk, by = CalibrationDesk(house), By(COMMAND, house.clock.now())
        asked = Proposal(asset=asset, property=property_id, reference=reference, interval=Interval(start, end))
        model = await asyncio.to_thread(desk.propose, asked, by)
        if activate and model.state == "candidate":
            model = await asyncio.to_thread(desk.activate, model.id, by.at, by)
        return model


# What is wrong, what is up


async def findings_of(settings: Settings, state: findings.State | None) -> list[findings.Finding]:
    """Findings, newest first."""
    async with visiting(settings) as house:

        def listed() -> list[findings.Finding]:
            with house.records.read() as connection:
                return list(findings.listing(connection, state=state, limit=LISTED_MAX).items)

        return await asyncio.to_thread(listed)


async def alerts_of(settings: Settings, state: AlertState | None) -> list[Alert]:
    """Alerts, the last changed first."""
    async with visiting(settings) as house:

        def listed() -> list[Alert]:
            with house.records.read() as connection:
                return list(alert_records.listing(connection, alert_records.Wanted(state=state), limit=LISTED_MAX).items)

        return await asyncio.to_thread(listed)
