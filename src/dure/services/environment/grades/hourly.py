"""Hourly means from the telemetry; blocks."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from dure.services.environment.grades.hours import HOUR_US, Hours, hours_of, without_suspect

if TYPE_CHECKING:
    from dure.core.properties import Properties
    from dure.engines.telemetry.port import Telemetry


def fetch_hours(
    telemetry: Telemetry, properties: Properties, names: Collection[str], span: tuple[int, int], share_min: float
) -> Hours:
    """The n whole hours before an instant (`span` is the instant [µs] and n) of some properties, of every asset that has them.

    `share_min` is the share of its promised readings that an hour needs [1].
    """
    end_us, n = span[0] // HOUR_US * HOUR_US, span[1]
    start_us = end_us - n * HOUR_US
    rollups = {name: telemetry.rollup(name, "hour", start_us, end_us) for name in names}
    hours = hours_of(rollups, {name: properties[name].period_s for name in names}, start_us, n, share_min)
    readings = {
        (key, at): telemetry.series(key, start_us + at * HOUR_US, start_us + (at + 1) * HOUR_US) for key, at in hours.mixed
    }
    return without_suspect(hours, readings)
