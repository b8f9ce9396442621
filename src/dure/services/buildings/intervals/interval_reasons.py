"""Why an interval or a register has its flag, for ``dure explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.core.observations import Observation
    from dure.spine.house import House


def reasons_of(house: House, observation: Observation) -> list[str]:  # noqa: ARG001  # the books alone say it so far
    """Sentences about an entry of the interval books."""
    entry = observation.phenomenon_time.microsecond % 1_000
    if entry:
        return [f"Entry {entry} about this interval: the difference to what stood there before."]
    return []
