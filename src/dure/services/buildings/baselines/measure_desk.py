"""Where measures are planned, their baselines looked at and frozen, ended and withdrawn. Blocks."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from dure.core.errors import InputError, NotFound
from dure.core.time import day_of
from dure.engines.records import decisions, events
from dure.services.buildings.baselines import measure_records, measures, model_records
from dure.services.buildings.baselines.baseline_rules import BaselineRules, baseline_rules, limits
from dure.services.buildings.baselines.looking import Looked, look, weeks_of
from dure.services.buildings.baselines.measure_source import Place, Read, kind_of, local_span, place_of, read_meter
from dure.services.buildings.baselines.measures import Measure, MeterBaseline, Wanted
from dure.services.buildings.baselines.saving_story import frozen_decision, frozen_event
from dure.services.buildings.baselines.saving_words import refusal
from dure.services.buildings.baselines.weather_source import read_sky
from dure.services.buildings.sites import Sites, registered

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.engines.records.audit import By
    from dure.spine.house import House


class MeasureDesk:
    """Measures of one city."""

    def __init__(self, house: House) -> None:
        self._house = house

    def preview(self, wanted: Wanted, known_at: datetime | None = None) -> list[Looked]:
        """What would be frozen, meter by meter; refused as `freeze` but for the reasons of single meters."""
        house = self._house
        now = house.clock.now()
        with house.records.read() as connection:
            sites = registered(connection)
            rules = self._checked(wanted, sites, day_of(now, house.city.zone))
            return self._looked(connection, wanted, sites, rules, known_at or now)

    def freeze(self, wanted: Wanted, by: By, known_at: datetime | None = None) -> Measure:
        """Freeze the baseline of a measure and keep it.

        Parameters
        ----------
        known_at : readings are taken as known then; None: as known at the instant of `by`

        Raises
        ------
        InputError, Conflict : as `measures.checked` and `measures.unshared`; ``measure.no_model`` when a meter has no model
        NotFound : ``buildings.unknown``
        """
        house = self._house
        known_at = known_at or by.at
        today = day_of(by.at, house.city.zone)
        with house.records.read() as connection:
            sites = registered(connection)
            rules = self._checked(wanted, sites, today)
            measures.unshared(wanted, sites.meters, measure_records.listing(connection, building=wanted.building))
            looked = self._looked(connection, wanted, sites, rules, known_at)
        baselines = [self._frozen_or_refused(one, rules) for one in looked]
        measure = _measure(wanted, tuple(baselines), by, known_at, today)
        with house.records.begin() as connection:
            for one in looked:
                model_records.freeze(connection, measure.id, one.meter, one.fit, by.at)
            measure_records.add(connection, measure, by)
            decisions.add(connection, frozen_decision(measure, rules, by.at))
            events.announce(connection, [frozen_event(measure, by.at)], by.at)
        return measure

    def withdraw(self, ident: str, why: str, by: By) -> Measure:
        """Withdraw a measure; refused with ``measure.unknown``, ``measure.state``."""
        with self._house.records.begin() as connection:
            measure = measures.withdrawn(measure_records.get(connection, ident), why, by.at)
            measure_records.change(connection, measure, by, "withdrawn")
        return measure

    def end(self, ident: str, on: date, why: str, by: By) -> Measure:
        """End a measure on a day, which no longer counts.

        Refused with ``measure.unknown``, ``measure.state``, ``measure.span``.
        """
        with self._house.records.begin() as connection:
            measure = measures.ended(measure_records.get(connection, ident), on, why, by.at)
            measure_records.change(connection, measure, by, "ended")
        return measure

    def _checked(self, wanted: Wanted, sites: Sites, today: date) -> BaselineRules:
        if wanted.building not in sites.buildings:
            raise NotFound("buildings.unknown", f"There is no building {wanted.building[:80]!r}.")
        rules = baseline_rules(today, self._house.city.folder)
        known = {name: one.building for name, one in sites.meters.items() if not one.formula}
        measures.checked(wanted, known, today, rules.span_d)
        return rules

    def _looked(
        self, connection: Connection, wanted: Wanted, sites: Sites, rules: BaselineRules, known_at: datetime
    ) -> list[Looked]:
        house = self._house
        span = local_span(house, wanted.baseline_start, wanted.baseline_end)
        place = place_of(sites.buildings[wanted.building], span, read_sky(house, span.us), rules)
        if not isinstance(place, Place):
            raise InputError(place.code, place.why.en)
        reads: dict[str, Read] = {}
        for name in wanted.meters:
            meter = sites.meters[name]
            kind = kind_of(house, meter, span, rules) if wanted.kind == "auto" else wanted.kind
            reads[name] = read_meter(house, connection, meter, place, (kind, rules, known_at))
        bars = limits(wanted.baseline_end, house.city.folder)
        asked, weeks = (span.first, span.end, rules, bars), weeks_of(reads)
        return [look(sites.meters[name], read, asked, weeks) for name, read in reads.items()]

    def _frozen_or_refused(self, one: Looked, rules: BaselineRules) -> MeterBaseline:
        if one.baseline is None:
            code = one.fit.code or one.code
            raise InputError("measure.no_model", f"{one.meter}: there is no baseline model. {refusal(code).en}")
        if one.fit.short:
            share = f"{one.fit.coverage:.0%}"
            raise InputError(
                "measure.baseline_short",
                f"{one.meter}: use and temperature of {share} of the baseline are known, {rules.span_share_min:.0%} are needed.",
            )
        return one.baseline


def _measure(wanted: Wanted, baselines: tuple[MeterBaseline, ...], by: By, known_at: datetime, today: date) -> Measure:
    words = msgspec.json.encode([wanted, [one.readings_sha256 for one in baselines]], order="sorted")
    ident = f"{wanted.work.replace('_', '-')}-{wanted.begins_on:%Y%m%d}-{hashlib.sha256(words).hexdigest()[:10]}"
    frozen = tuple(msgspec.structs.replace(one, model=model_records.frozen_id(ident, one.meter, one.kind)) for one in baselines)
    return Measure(
        id=ident,
        building=wanted.building,
        name=wanted.name,
        work=wanted.work,
        state="planned" if wanted.begins_on > today else "running",
        begins_on=wanted.begins_on,
        person=by.actor,
        made_at=by.at,
        changed_at=by.at,
        frozen_at=by.at,
        known_at=known_at,
        baselines=frozen,
        retrospective=wanted.begins_on <= today,
        static=wanted.static,
        note=wanted.note,
    )
