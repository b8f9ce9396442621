"""The forms in which values leave: newest values, observations, roll-ups."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from dure.core.observations import Check, Flag
from dure.core.time import from_us

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dure.core.observations import Observation
    from dure.spine.live import LiveValue

PUBLIC_FLAGS = frozenset({int(Flag.GOOD), int(Flag.SUSPECT)})


class Value(msgspec.Struct, frozen=True):
    """The newest value of one series. `flag` is QARTOD's: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing."""

    asset: str
    property: str
    time: datetime
    value: float | None
    flag: int


class Row(msgspec.Struct, frozen=True):
    """One observation as it is kept; `check` names what decided the flag."""

    asset: str
    property: str
    time: datetime
    result_time: datetime
    value: float | None
    flag: int
    check: str


def value_of(live: LiveValue) -> Value:
    """The form of a newest value."""
    return Value(live.asset, live.property, from_us(live.time_us), live.value, live.flag)


def row_of(kept: Observation) -> Row:
    """The form of an observation."""
    return Row(
        kept.asset, kept.property, kept.phenomenon_time, kept.result_time, kept.value, int(kept.flag), check_name(int(kept.check))
    )


def check_name(check: int) -> str:
    """The word of a check, for example ``above_possible``."""
    return Check(check).name.lower()


def shown(values: Iterable[LiveValue], everything: bool) -> list[LiveValue]:
    """The values a caller may see: all, or only those fit for the public."""
    return [one for one in values if everything or one.flag in PUBLIC_FLAGS]
