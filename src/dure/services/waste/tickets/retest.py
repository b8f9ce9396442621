"""The re-test of a repair: the detectors over the readings since then, and whether there are enough of them."""

from __future__ import annotations

from datetime import datetime

from dure.core.text import Text
from dure.services.waste.faults.battery import low_battery
from dure.services.waste.faults.detecting import faults_of
from dure.services.waste.faults.fault_rules import FaultRules
from dure.services.waste.faults.findings import HOUR_US, SENSOR_FAULTS, Fault, Window, us_of
from dure.services.waste.faults.silence import silence_limit_h
from dure.services.waste.tickets.tickets import Retested


def retest(fault: Fault, window: Window, repaired_at: datetime, rules: FaultRules) -> Retested:
    """Whether a repair holds: no detector finds the fault, in the readings since and in all, and they are enough to tell.

    What a person saw (broken, not to be reached) holds when a crew has emptied the bin since.
    """
    row = rules.service[fault]
    since_us = us_of(repaired_at)
    after = window.since(since_us)
    hours = (window.now_us - since_us) / HOUR_US
    if fault not in SENSOR_FAULTS:
        if any(one.kind == "emptied" for one in after.sightings):
            return Retested("passed", Text("수리 뒤 정상적으로 비웠습니다.", "It has been emptied since."))
        return Retested("waiting", Text("다음 수거를 기다립니다.", "Waiting for the next emptying."))
    again = next((one for one in faults_of(after, rules) if one.fault == fault), None)
    if again is None and fault == "low_battery":
        again = low_battery(after, rules.battery)
    if again is not None:
        return Retested("failed", again.evidence)
    if _enough(fault, after, row.readings_least, hours >= row.hours_least):
        still = next((one for one in faults_of(window, rules) if one.fault == fault), None)
        if still is not None:  # what it was before tells what is unusual for it
            return Retested("failed", still.evidence)
        return Retested("passed", Text("수리 뒤 측정값이 정상입니다.", "The readings since the repair are sound."))
    patience_h = max(row.patience_h, silence_limit_h(window.level, rules.silence))
    if hours >= patience_h and len(after.level) < row.readings_least:
        return Retested(
            "failed",
            Text(f"수리 뒤 {hours:.0f}시간 동안 측정이 부족합니다.", f"Too few readings in the {hours:.0f} h since the repair."),
        )
    return Retested("waiting", Text("측정값을 더 기다립니다.", "Waiting for more readings."))


def _enough(fault: Fault, after: Window, readings_least: int, waited: bool) -> bool:
    series = after.battery if fault == "low_battery" else after.level
    if fault == "contradicted":  # only people can say that sensor and bin agree again
        waited = waited and any(one.level is not None and one.kind != "report" for one in after.sightings)
    return waited and len(series) >= readings_least
