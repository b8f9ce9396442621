"""All detectors over one bin, and over a city's bins: what is wrong, each fault once. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dure.core.text import Text
from dure.services.waste.faults.battery import low_battery
from dure.services.waste.faults.blocked import blocked
from dure.services.waste.faults.compaction import not_compacting
from dure.services.waste.faults.contradiction import contradicted
from dure.services.waste.faults.fault_rules import FaultRules
from dure.services.waste.faults.findings import Found, Window
from dure.services.waste.faults.jumps import jumping
from dure.services.waste.faults.silence import Outage, fell_silent_us, outages, silent, without_outages
from dure.services.waste.faults.stuck import stuck
from dure.services.waste.model import Sighting


def faults_of(window: Window, rules: FaultRules) -> list[Found]:
    """What is wrong with one bin. A covered sensor may not move either: it is blocked when it leapt there, else stuck."""
    found = {
        one.fault: one
        for one in (
            silent(window, rules.silence),
            blocked(window, rules.blocked),
            stuck(window, rules.stuck),
            jumping(window, rules.jumps),
            low_battery(window, rules.battery),
            not_compacting(window, rules.compaction),
            contradicted(window, rules.contradiction),
        )
        if one is not None
    }
    if {"blocked", "stuck"} <= found.keys():
        found.pop("stuck" if found["blocked"].numbers["rose"] else "blocked")
    if not {"blocked", "stuck", "jumping"}.isdisjoint(
        found
    ):  # its level says nothing of presses, and people contradict it anyway
        found.pop("not_compacting", None)
        found.pop("contradicted", None)
    return list(found.values())


class Known(msgspec.Struct, frozen=True):
    """What the last look at a bin told of its silence: whether it ever spoke, and when it last fell silent."""

    speaks: bool
    fell_us: int | None


def faults_of_city(windows: Sequence[Window], rules: FaultRules) -> tuple[list[Found], list[Outage]]:
    """What is wrong with the bins, without silences that an outage of the network explains; and the outages."""
    found = [one for window in windows for one in faults_of(window, rules)]
    now_us = max((one.now_us for one in windows), default=0)
    return without_silences(found, {one.bin: known_of(one, rules) for one in windows}, now_us, rules)


def known_of(window: Window, rules: FaultRules) -> Known:
    """What a look at a bin tells of its silence."""
    return Known(len(window.level) > 0, fell_silent_us(window, rules.silence))


def without_silences(
    found: Sequence[Found], city: Mapping[str, Known], now_us: int, rules: FaultRules
) -> tuple[list[Found], list[Outage]]:
    """The findings without silences that an outage explains, by what is known of every bin; and the outages."""
    fell = {bin_id: one.fell_us for bin_id, one in city.items() if one.fell_us is not None}
    lost = outages(fell, sum(one.speaks for one in city.values()), rules.silence)
    return without_outages(found, lost, now_us, rules.silence), lost


def faults_seen(sightings: Sequence[Sighting]) -> list[Found]:
    """What crews say is wrong: broken, or not to be reached. What was taken back says nothing."""
    words = {
        "broken": ("broken", Text("작업자가 파손을 알렸습니다.", "A crew reports it broken.")),
        "blocked": ("no_access", Text("작업자가 접근할 수 없다고 알렸습니다.", "A crew could not reach it.")),
    }
    return [
        Found(bin=one.bin, fault=words[one.kind][0], since=one.seen_at, evidence=words[one.kind][1], source=one.id)  # type: ignore[arg-type]  # one of the two
        for one in sightings
        if one.kind in words and "undone_at" not in one.facts
    ]
