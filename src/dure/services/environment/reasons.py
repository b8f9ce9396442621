"""Why a value is what it is: each test with its limit, the neighbours asked, the finding that holds it, the steps of an index.

Everything is made anew from what is kept. Blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dure.core.observations import Check, Flag
from dure.core.time import US_PER_S, format_instant, from_us, to_us
from dure.services.environment.calibrating import calibration_records
from dure.services.environment.calibrating.calibration import CORRECTED, SUFFIX
from dure.services.environment.checks.assessing import rules_now
from dure.services.environment.checks.assessor import feeds_of
from dure.services.environment.checks.quality import interpreted_kernel
from dure.services.environment.checks.quality_reasons import Reason, why
from dure.services.environment.checks.quality_rules import with_ranges
from dure.services.environment.checks.quality_words import test_words, verdict_words
from dure.services.environment.faults import findings
from dure.services.environment.faults.diagnosis_finding import EXPLANATIONS
from dure.services.environment.faults.diagnosis_rules import diagnosis_rules_on, held_by
from dure.services.environment.faults.markings import since_us
from dure.services.environment.grades.grading import Grading, cai_result, rtwqi_result
from dure.services.environment.grades.hourly import fetch_hours
from dure.services.environment.rules import UNIT_WORDS

if TYPE_CHECKING:
    from dure.core.observations import Observation
    from dure.core.text import Text
    from dure.services.environment.faults.findings import Finding, Verdict
    from dure.spine.house import House

STREAM_CHECKS = frozenset({Check.OUTSIDE_CLIMATE, Check.SPIKE, Check.RATE_OF_CHANGE, Check.FLAT_LINE, Check.ATTENUATED})
MEMORY_S_MAX = 172_800.0
AFTER_US = 6 * 3_600 * US_PER_S  # a spike is known by the value after it, which may be long in coming
INDEX_HOURS = 24


def reasons_of(house: House, observation: Observation) -> Sequence[str]:
    """What the environment has to say of one observation, in order of weight."""
    if observation.property in ("cai", "rtwqi"):
        return index_steps(house, observation)
    if observation.property in CORRECTED:
        return correction_steps(house, observation)
    said: list[str] = []
    if observation.check in STREAM_CHECKS:
        said += [told(one, observation.property, house) for one in tests_of(house, observation) if one.flag in (3, 4)]
    said += [verdict_text(one) for one in verdicts_about(house, observation)]
    said += held_because(house, observation)
    return said


def reasons_in_words(house: House, observation: Observation) -> list[Text]:
    """The same for people: a sentence for each test that objected and for each verdict of the neighbours."""
    known = house.properties.get(observation.property)
    unit = UNIT_WORDS.get(known.unit, known.unit) if known else ""
    said: list[Text] = []
    if observation.check in STREAM_CHECKS:
        said += [test_words(one, unit) for one in tests_of(house, observation) if one.check == observation.check]
    said += [verdict_words(one, unit) for one in verdicts_about(house, observation)]
    said += [EXPLANATIONS[one.kind].title for one in holding(house, observation) if one.kind in EXPLANATIONS]
    return said


def tests_of(house: House, observation: Observation) -> tuple[Reason, ...]:
    """What each streaming test says of the value, from the series around it."""
    known, limits = house.properties.get(observation.property), rules_now(house).limits.get(observation.property)
    if known is None or limits is None:
        return ()
    at_us = to_us(observation.phenomenon_time)
    back_us = int(min(limits.memory_s, MEMORY_S_MAX) * US_PER_S) + US_PER_S
    past = house.telemetry.series((observation.asset, observation.property), at_us - back_us, at_us + AFTER_US)
    rows = np.flatnonzero(past.time_us == at_us)
    if not len(rows):
        return ()
    feeds = feeds_of(past.check)
    return why(past.time_us, past.value, with_ranges(limits, known), int(rows[0]), feeds=feeds, kernel=interpreted_kernel())


def told(reason: Reason, property_id: str, house: House) -> str:
    """One test in words: what was compared with what, over which time."""
    known = house.properties.get(property_id)
    unit = known.unit if known else ""
    unit = {"value": unit, "value/s": f"{unit}/s", "s": "s"}[reason.unit]
    bounds = reason.fail if reason.flag == Flag.FAIL else reason.suspect
    limit = " to ".join("no limit" if one is None else f"{one:g}" for one in bounds)
    measured = "nothing" if reason.statistic is None else f"{reason.statistic:g} {unit}".strip()
    span = f"{format_instant(from_us(reason.start_us))} to {format_instant(from_us(reason.end_us))}, {reason.n_values} values"
    return f"{reason.test}: {measured}, fine within {limit} {unit}".strip() + f" ({span})"


def verdicts_about(house: House, observation: Observation) -> list[Verdict]:
    """Verdicts of checks that look at more than the series itself."""
    at_us = to_us(observation.phenomenon_time)
    with house.records.read() as connection:
        return findings.verdicts_of(connection, [(observation.asset, observation.property)], at_us, at_us + 1)


def verdict_text(one: Verdict) -> str:
    """A verdict in words, with the neighbours used."""
    if one.check in (Check.HELD_BY_PERSON, Check.RELEASED_BY_PERSON):
        return f"{Check(one.check).name.lower()}: {one.detail.get('by', '')}: {one.detail.get('note', '')}"
    unit = one.detail.get("unit", "")
    neighbours = ", ".join(one.detail.get("neighbours", ())) or "none"
    estimate = one.detail.get("estimate")
    estimated = "" if estimate is None else f"; the neighbours say {estimate:.4g} {unit}"
    return (
        f"{Check(one.check).name.lower()}: differs by {one.statistic or 0:.4g} {unit}, limit {one.threshold or 0:.4g} {unit}"
        f"{estimated} ({neighbours})"
    )


def held_because(house: House, observation: Observation) -> list[str]:
    """The same for the record."""
    return [f"finding {one.id}: {one.kind} since {one.found_at.isoformat()}" for one in holding(house, observation)]


def holding(house: House, observation: Observation) -> list[Finding]:
    """Findings that hold the value back: their fault had begun by then, and they were not closed when it came."""
    rules = diagnosis_rules_on(observation.phenomenon_time.astimezone(house.city.zone).date(), house.city.folder)
    holds = held_by(rules)
    with house.records.read() as connection:
        known = findings.listing(connection, asset=observation.asset, limit=1_000).items
    return [
        one
        for one in known
        if one.kind in holds
        and one.property in ("", observation.property)
        and holds[one.kind][1] == observation.check
        and since_us(one) <= to_us(observation.phenomenon_time)
        and (one.closed_at is None or observation.result_time <= one.closed_at)
    ]


def correction_steps(house: House, observation: Observation) -> list[str]:
    """Which calibration made a corrected value, and of which raw one."""
    raw_property = observation.property.removesuffix(SUFFIX)
    with house.records.read() as connection:
        models = calibration_records.lineage(connection, observation.asset, raw_property)
    at = observation.phenomenon_time
    said = [
        f"calibration {one.id}: {one.method}, {', '.join(f'{name} {value:g}' for name, value in one.parameters.items())}; "
        f"in force from {format_instant(one.valid_from)}"
        for one in models
        if one.state in calibration_records.IN_FORCE and one.valid_from <= at and (one.valid_to is None or at < one.valid_to)
    ]
    raw = house.telemetry.observation((observation.asset, raw_property), to_us(at))
    if raw is not None:
        measured = "no value" if raw.value is None else f"{raw.value:g} {house.properties[raw_property].unit}"
        said.append(f"raw {raw_property}: {measured}, {Flag(raw.flag).name.lower()} ({Check(raw.check).name.lower()})")
    return said


def index_steps(house: House, observation: Observation) -> list[str]:
    """How an index of an hour was made, step by step, made anew from the hours before it."""
    end_us = to_us(observation.phenomenon_time)
    rules = Grading(house.city).rules(end_us)
    items = rules.cai.items if observation.property == "cai" else rules.rtwqi.items
    hours = fetch_hours(house.telemetry, house.properties, sorted(items), (end_us, INDEX_HOURS), rules.share_min)
    if observation.property == "cai":
        result = cai_result(rules, hours, observation.asset, hours.n)
        steps = [f"{one.item}: {one.quantised} {one.unit} -> {one.sub_index} ({one.grade})" for one in result.steps]
        averages = [f"{one.item}: C24E {one.value} from C12 {one.c12} and C4 {one.c4}" for one in result.forecasts]
        total = f"index {result.index}: highest {result.highest} by {result.deciding}, bonus {result.bonus}"
        return [total, *steps, *averages, *(f"rule {one.rule}: {one.mark}" for one in result.basis)]
    water = rtwqi_result(rules, hours, observation.asset, hours.n)
    tests = [f"{one.item}: {one.failed} of {one.made} tests failed, limit {one.limit}" for one in water.items]
    return [f"index {water.index}: F1 {water.f1}, F2 {water.f2}, F3 {water.f3}", *tests]
