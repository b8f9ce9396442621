"""Why a fill level is what it is: the distance it was made from, the bin's geometry, and what that means. Blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dure.core.errors import InputError, NotFound
from dure.core.time import to_us
from dure.engines.records import assets
from dure.services.waste.bins import bin_of
from dure.services.waste.devices.fill import WORDS, Reason, fill_from_distance, limits_on
from dure.services.waste.devices.fill_watch import LEVEL, RAW

if TYPE_CHECKING:
    from dure.core.observations import Observation
    from dure.spine.house import House


def reasons_of(house: House, observation: Observation) -> Sequence[str]:
    """What is to be said of a level that was made from a distance; nothing of one that the device sent itself."""
    if observation.property != LEVEL:
        return []
    measured = house.telemetry.observation((observation.asset, RAW), to_us(observation.phenomenon_time))
    if measured is None:
        return []
    try:
        with house.records.read() as connection:
            one = bin_of(assets.get(connection, observation.asset))
    except (InputError, NotFound):
        return []
    if one.depth_m is None:
        return []
    limits = limits_on(observation.phenomenon_time.astimezone(house.city.zone).date(), house.city.folder)
    distance_m = np.nan if measured.value is None else measured.value
    reason = Reason(int(fill_from_distance(np.array([distance_m]), one.depth_m, one.full_m, limits).reason[0]))
    said = f"The level comes from the sensor's distance: {WORDS[reason].en}."
    return [said, f"Distance {distance_m:.3f} m; floor at {one.depth_m:g} m, full at {one.full_m:g} m, as registered now."]
