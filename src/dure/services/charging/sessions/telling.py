"""Meter values of words as readings of EVSEs. Pure: the same words always give the same readings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from dure.core.observations import Reading
from dure.core.time import from_us
from dure.services.charging.central.words import Sample, Sampled, TransactionSaid, Word
from dure.services.charging.sessions.clocks import placed, sample_at
from dure.services.charging.sessions.gathering import EXPORT, IMPORT, PHASES, POWER, POWER_BACK, SOC

if TYPE_CHECKING:
    from dure.services.charging.sessions.places import Places
    from dure.services.charging.sessions.session_rules import ClockRow

PROPERTY = {
    IMPORT: "evse_register",
    EXPORT: "evse_return_register",
    POWER: "evse_power",
    POWER_BACK: "evse_power",
    SOC: "vehicle_soc",
}
Series = dict[tuple[str, int], float]  # by property and time


def readings_of(words: Iterable[Word], places: Places, rules: ClockRow) -> dict[str, list[Reading]]:
    """Readings by identity of the station that told them; of stations and EVSEs that are registered."""
    found: defaultdict[str, list[Reading]] = defaultdict(list)
    for word in words:
        if not isinstance(word, TransactionSaid | Sampled):
            continue
        evse, identity = places.evse_of(word.charger, word.evse), places.identity_of.get(word.charger, "")
        if evse is None or not identity or not (word.evse or isinstance(word, TransactionSaid)):
            continue
        series = _series(word, rules)
        found[identity] += [
            Reading(name, value, time=from_us(at_us), asset=evse.id) for (name, at_us), value in sorted(series.items())
        ]
    return {identity: listed for identity, listed in found.items() if listed}


def _series(word: TransactionSaid | Sampled, rules: ClockRow) -> Series:
    said_us = word.at_us if isinstance(word, TransactionSaid) else max((one.at_us for one in word.samples), default=word.heard_us)
    at = placed(said_us, word.heard_us, rules)
    whole: Series = {}
    phases: defaultdict[tuple[str, int], dict[str, float]] = defaultdict(dict)
    for one in word.samples:
        name = PROPERTY.get(one.measurand)
        if name is None or (one.location not in {"Outlet", ""} and name != "vehicle_soc"):
            continue
        key = (name, sample_at(one.at_us, at, word.heard_us, rules))
        if one.phase in PHASES:
            phases[key][one.phase] = _value(one)
        elif not one.phase:
            whole[key] = max(whole.get(key, _value(one)), _value(one))
    for key, parts in phases.items():
        if key not in whole and len(parts) > 1:
            whole[key] = sum(parts.values())
    if isinstance(word, TransactionSaid):
        for wh in (word.begin_wh, word.end_wh):
            if wh is not None:
                whole.setdefault(("evse_register", at.at_us), float(wh))
    return whole


def _value(one: Sample) -> float:
    return (
        -one.value if one.measurand == POWER_BACK else float(round(one.value)) if one.measurand in {IMPORT, EXPORT} else one.value
    )
