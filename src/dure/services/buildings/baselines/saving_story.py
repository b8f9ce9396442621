"""What measures tell the outside: decisions for ``dure explain``, events, and evidence of verified savings for the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from dure import __version__
from dure.core.events import Decision, Event, Evidence
from dure.core.time import Interval
from dure.services.buildings.baselines.baseline_rules import PACK
from dure.services.buildings.baselines.fits import METHODS
from dure.services.buildings.model import SERVICE

if TYPE_CHECKING:
    from dure.services.buildings.baselines.assessing import Bounds
    from dure.services.buildings.baselines.baseline_rules import BaselineRules
    from dure.services.buildings.baselines.measure_saving import MeasureSaving
    from dure.services.buildings.baselines.measures import Measure

SOURCE = f"dure/{SERVICE}"
FROZEN = "buildings.measure.frozen"
VERIFIED = "buildings.saving.verified"
MEASURE = "building_measure"
SAVING = "building_saving"


def saving_id(measure: str, until: date) -> str:
    """Id of the decision about a saving."""
    return f"saving-{measure}-{until.isoformat()}"


def frozen_decision(measure: Measure, rules: BaselineRules, at: datetime) -> Decision:
    """What was frozen: readings by their digests, models by their ids, and how good they are."""
    words = [msgspec.to_builtins(one) for one in measure.baselines]
    inputs = {
        "building": measure.building,
        "begins_on": measure.begins_on.isoformat(),
        "known_at": measure.known_at.isoformat(),
        "baselines": [{name: one[name] for name in _FROZEN} for one in words],
        "rules": {PACK: msgspec.to_builtins(rules)},
    }
    told = ["The baseline is frozen: readings that come later change nothing of it."]
    if measure.retrospective:
        told.append("The measure had begun: what it saves is told, and credited nowhere.")
    return Decision(
        id=f"frozen-{measure.id}",
        kind=MEASURE,
        decided_at=at,
        inputs=inputs,
        result={"goodness": {one["meter"]: one["goodness"] for one in words}, "retrospective": measure.retrospective},
        reasons=tuple(told),
        versions={"dure": __version__} | {one.kind: METHODS[one.kind] for one in measure.baselines},
    )


_FROZEN = ("meter", "kind", "model", "start_day", "end_day", "coverage", "readings_sha256", "weather_sha256", "sources")


def frozen_event(measure: Measure, at: datetime) -> Event:
    """A baseline was frozen."""
    return Event(
        id=f"frozen-{measure.id}",
        type=FROZEN,
        source=SOURCE,
        time=at,
        subject=measure.building,
        data={
            "measure": measure.id,
            "work": measure.work,
            "begins_on": measure.begins_on.isoformat(),
            "meters": list(measure.meters),
            "retrospective": measure.retrospective,
            "decision": f"frozen-{measure.id}",
        },
    )


def saving_decision(
    asked: tuple[Measure, BaselineRules], saving: MeasureSaving, claim: MeasureSaving | None, at: datetime
) -> Decision:
    """The saving with all it was made from: frozen models, digests of the readings, factors, prices and rules."""
    measure, rules = asked
    words = msgspec.to_builtins(saving)
    inputs = {
        "measure": measure.id,
        "building": measure.building,
        "days": [saving.start.isoformat(), saving.until.isoformat()],
        "baselines": [{name: one[name] for name in _FROZEN} for one in map(msgspec.to_builtins, measure.baselines)],
        "readings": {one.meter: one.readings_sha256 for one in saving.meters},
        "factors": list(saving.factors),
        "prices": saving.prices,
        "rules": {PACK: msgspec.to_builtins(rules)},
        "static": measure.static,
    }
    result = {name: words[name] for name in _TOLD} | {"claim": None if claim is None else _claim(claim)}
    return Decision(
        id=saving_id(measure.id, saving.until),
        kind=SAVING,
        decided_at=at,
        inputs=inputs,
        result=result,
        reasons=tuple(_reasons(measure, saving, claim)),
        versions={"dure": __version__, "method": saving.method},
    )


_TOLD = ("verdict", "energy_wh", "co2e_g", "won", "expected_wh", "measured_wh", "g14_half_width_wh", "share", "coverage", "days")


def _claim(claim: MeasureSaving) -> dict[str, Any]:
    words = msgspec.to_builtins(claim)
    return {name: words[name] for name in ("start", "until", "energy_wh", "co2e_g", "coverage")}


def _reasons(measure: Measure, saving: MeasureSaving, claim: MeasureSaving | None) -> Sequence[str]:
    told = [saving.headline.en]
    told.append(
        "The interval comes from weeks of the baseline that its models had not seen; ASHRAE Guideline 14 would say "
        f"+/- {saving.g14_half_width_wh / 1000:,.0f} kWh."
    )
    if saving.coverage < 1:
        told.append(f"{saving.coverage:.0%} of the reporting rows could be compared; the others are in neither sum.")
    if saving.outside:
        told.append(f"Not in the sum of energy: {', '.join(saving.outside)}.")
    told += [f"{meter} has no grams: {code}." for meter, code in saving.refused.items()]
    if saving.provisional:
        told.append("A factor or price behind it is to be confirmed.")
    if measure.retrospective:
        told.append("The baseline was frozen after the measure had begun: nothing is credited.")
    elif claim is None:
        told.append("Nothing is verified this time: the period is carried into the next month.")
    else:
        told.append(f"Verified for {claim.start} to {claim.until}: the ledger may credit the lower end of the interval.")
    return told


def verified_event(measure: Measure, claim: MeasureSaving, period: Interval, readings: str, at: datetime) -> Event:
    """A saving was verified of days that were in no event before: point, interval, and evidence in Wh and gCO2e."""
    ident = f"verified-{measure.id}-{claim.until.isoformat()}"
    units = (("Wh", claim.energy_wh), ("gCO2e", claim.co2e_g))
    return Event(
        id=ident,
        type=VERIFIED,
        source=SOURCE,
        time=at,
        subject=measure.building,
        data={
            "measure": measure.id,
            "building": measure.building,
            "work": measure.work,
            "meters": [one.meter for one in claim.meters if one.meter not in claim.outside],
            "start": claim.start.isoformat(),
            "until": claim.until.isoformat(),
            "decision": saving_id(measure.id, claim.until),
            "confidence": claim.confidence,
            "provisional": claim.provisional,
            "headline": msgspec.to_builtins(claim.headline),
            "readings": [one.readings_sha256 for one in claim.meters],
            "evidence": [
                _evidence(ident, unit, bounds, (period, readings, claim.factors if unit == "gCO2e" else ()), claim.method)
                for unit, bounds in units
                if bounds is not None
            ],
        },
    )


def _evidence(
    event: str, unit: str, bounds: Bounds, grounds: tuple[Interval, str, tuple[str, ...]], method: str
) -> dict[str, Any]:
    """A claim with its interval [unit], rounded down: the lower end is what may be credited."""
    period, readings, factors = grounds
    claim = Evidence(
        event=event,
        quantity=int(bounds.value // 1),
        unit="Wh" if unit == "Wh" else "gCO2e",
        interval=period,
        readings_sha256=readings,
        method=method,
        factors=factors,
    )
    return dict(msgspec.to_builtins(claim)) | {"low": int(bounds.low // 1), "high": int(bounds.high // 1)}
