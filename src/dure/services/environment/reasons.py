"""Why a value is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dure.core.observations import Observation
    from dure.spine.house import House


def reasons_of(house: House, observation: Observation) -> Sequence[str]:  # noqa: ARG001
    """Reasons in words."""
    return []
