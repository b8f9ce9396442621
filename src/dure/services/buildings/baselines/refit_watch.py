"""Every night the models of every meter are fitted again; at once those of a meter that has none.

A night is done once, also across restarts: the cursor of the records says which. Meters are read a few at a time and fitted where
there is room; what was fitted to the same readings and weather as before stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
import structlog

from dure.core.errors import Unavailable
from dure.core.time import day_of
from dure.engines.jobs.port import Job, decode_result, encode_job, perform
from dure.engines.records import cursors
from dure.services.buildings.baselines import bill_source, model_records, refits
from dure.services.buildings.baselines.baseline_rules import BaselineRules, baseline_rules
from dure.services.buildings.baselines.fits import METHODS, Fit
from dure.services.buildings.baselines.series import Bill, Span, digest_of, span_of, usage_of
from dure.services.buildings.baselines.weather import Sky, Weather, weather_at
from dure.services.buildings.baselines.weather_source import read_sky
from dure.services.buildings.intervals import interval_books
from dure.services.buildings.sites import Sites, registered

if TYPE_CHECKING:
    from dure.services.buildings.model import Meter
    from dure.spine.house import House

log = structlog.get_logger("dure.buildings")
CURSOR = "buildings-refits"
ANSWER_S = 600.0
AT_ONCE = 8  # meters of a job; each is some 70 kB
EMPTY_AGAIN = timedelta(hours=1)  # a meter that could not be fitted for want of readings is looked at again


class Due(NamedTuple):
    """What one round fits: these meters, from this span, under these rules."""

    day: date
    night: bool
    span: Span
    rules: BaselineRules
    sites: Sites
    meters: list[Meter]
    known: dict[str, dict[str, str]]


class RefitWatch:
    """Models of all meters, by night; of new meters, at once."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._tried: dict[str, datetime] = {}
        self._warm = False

    async def look(self) -> int:
        """One round; how many models were fitted anew. The first one has the loops compiled, where nobody waits for it."""
        if not self._warm and self._house.jobs is not None:
            await self._house.jobs.run(refits.WARM, {"spare": spare_folder(self._house)}, timeout_s=ANSWER_S)
        self._warm = True
        due = await asyncio.to_thread(self._due)
        if due is None:
            return 0
        fitted = await self.refit(due) if due.meters else 0
        if due.night:
            await asyncio.to_thread(self._done, due.day)
        if fitted:
            log.info("models.fitted", models=fitted, meters=len(due.meters), night=due.night)
        return fitted

    async def refit(self, due: Due) -> int:
        """Fit the models of some meters; how many are new."""
        sky = await asyncio.to_thread(read_sky, self._house, due.span.us)
        fitted = 0
        for part in _parts(due.meters):
            batch, refused = await asyncio.to_thread(self._gathered, part, sky, due)
            found = [*refused, *(await self._fitted(batch) if batch.meters else [])]
            fitted += await asyncio.to_thread(self._keep, found)
        return fitted

    def _due(self) -> Due | None:
        house = self._house
        now, zone = house.clock.now(), house.city.zone
        today = day_of(now, zone)
        rules = baseline_rules(today, house.city.folder)
        with house.records.read() as connection:
            done = cursors.get(connection, CURSOR)
            night = now.astimezone(zone).hour >= rules.refit_hour and done < today.toordinal()
            known = model_records.digests(connection)
            sites = registered(connection)
            empty = model_records.empty_meters(connection)
        fit = [one for one in sites.meters.values() if not one.formula]
        if not night:
            fit = [one for one in fit if one.id not in known or (one.id in empty and self._again(one.id))]
            if not fit:
                return None
        for one in fit:
            self._tried[one.id] = now
        span = span_of(today - timedelta(days=rules.span_d), today, zone)
        return Due(today, night, span, rules, sites, sorted(fit, key=lambda one: one.id), known)

    def _again(self, meter: str) -> bool:
        tried = self._tried.get(meter)
        return tried is None or self._house.clock.now() - tried >= EMPTY_AGAIN

    def _gathered(self, meters: Sequence[Meter], sky: Sky, due: Due) -> tuple[refits.Batch, list[refits.Refitted]]:
        """Columns of some meters; those without weather are refused here."""
        house, span = self._house, due.span
        skies: dict[bytes, int] = {}
        asked: list[refits.Meter] = []
        refused: list[refits.Refitted] = []
        with house.records.read() as connection:
            bills = bill_source.bills_of(connection, [one.id for one in meters], span.first, span.end)
        for one in meters:
            usage = usage_of(interval_books.read(house.telemetry, one.id, one.supply.use, span.us), span)
            own = bills.get(one.id, [])
            by_bills = bool(own) and not np.isfinite(usage).any()
            weather = weather_at(due.sites.buildings[one.building], sky, due.rules, share_min=0.0)
            if not isinstance(weather, Weather):
                refused.append(_without(one, weather.code, span, by_bills=by_bills))
                continue
            place = skies.setdefault(weather.temperature_c.astype(np.float32).tobytes(), len(skies))
            asked.append(_asked(one, place, b"" if by_bills else usage.tobytes(), own, due.known.get(one.id, {}), weather))
        zone = str(house.city.zone)
        batch = refits.Batch(zone=zone, first=span.first, end=span.end, rules=due.rules, skies=list(skies), meters=asked)
        return batch, refused

    async def _fitted(self, batch: refits.Batch) -> list[refits.Refitted]:
        words = {"batch": msgspec.msgpack.encode(batch), "spare": spare_folder(self._house)}
        jobs = self._house.jobs
        if jobs is None:
            data = encode_job(Job("refits", refits.REFIT, words))
            result = decode_result(await asyncio.to_thread(perform, data))
        else:
            result = await jobs.run(refits.REFIT, words, timeout_s=ANSWER_S, lasts_s_max=ANSWER_S)
        if not result.done:
            raise Unavailable("model.not_fitted", f"Models could not be fitted: {result.message}")
        return msgspec.msgpack.decode(bytes(result.value), type=list[refits.Refitted])

    def _keep(self, found: Sequence[refits.Refitted]) -> int:
        if not any(one.fits for one in found):
            return 0
        now = self._house.clock.now()
        with self._house.records.begin() as connection:
            return sum(model_records.put(connection, one.meter, one.fits, now) for one in found)

    def _done(self, day: date) -> None:
        with self._house.records.begin() as connection:
            cursors.advance(connection, {CURSOR: day.toordinal()})


def spare_folder(house: House) -> str:
    """Where compiled loops may be kept if no other place can be written."""
    return str(Path(house.settings.data_dir) / "compiled")


def _parts(meters: Sequence[Meter]) -> Iterator[Sequence[Meter]]:
    """Some meters at a time, those of a building together: they share their weather."""
    ordered = sorted(meters, key=lambda one: (one.building, one.id))
    for at in range(0, len(ordered), AT_ONCE):
        yield ordered[at : at + AT_ONCE]


def _asked(meter: Meter, sky: int, usage: bytes, bills: list[Bill], known: dict[str, str], weather: Weather) -> refits.Meter:
    sources = [dict(msgspec.to_builtins(one)) for one in weather.sources]
    return refits.Meter(id=meter.id, sky=sky, usage=usage, bills=bills, known=known, net=False, sources=sources)


def _without(meter: Meter, code: str, span: Span, *, by_bills: bool) -> refits.Refitted:
    """The refusals of a meter whose weather is not known."""
    fits = [
        Fit(
            kind=kind,
            start_day=span.first.isoformat(),
            end_day=span.end.isoformat(),
            coverage=0.0,
            short=True,
            sha256=digest_of(words=f"{kind}/{code}/{span.end}"),
            method=METHODS[kind],
            code=code,
        )
        for kind in METHODS
        if (kind == "billing") == by_bills
    ]
    return refits.Refitted(meter=meter.id, fits=fits)
