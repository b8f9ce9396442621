"""From the distance a ranging sensor measures to how full the bin is. Pure, on arrays.

The sensor looks down from under the lid: ``fill = (depth - distance) / (depth - full)``, where `depth` is the distance to
the floor of the empty bin and `full` the one to the surface when it is full. That "level" of the makers is a distance to the
surface, not a fill (to be confirmed on a device).

Nothing is lost: a level over the brim keeps its value, so does one far below the floor, and the house's ranges flag both.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.core.errors import InputError
from dure.core.text import Text
from dure.services.waste.model import FloatArray
from dure.services.waste.rules import Choice, load_pack

LARGEST = np.finfo(np.float64).max


class Reason(IntEnum):
    """Why a level is what it is."""

    NONE = 0
    NO_DISTANCE = 1
    NO_ECHO = 2
    OVER_BRIM = 3
    FLOOR = 4
    BELOW_FLOOR = 5


WORDS: dict[Reason, Text] = {
    Reason.NONE: Text("센서에서 내용물까지의 거리로 계산했습니다", "made from the distance between sensor and surface"),
    Reason.NO_DISTANCE: Text("쓸 수 있는 거리 값이 없습니다", "there is no usable distance"),
    Reason.NO_ECHO: Text("반사 신호가 없습니다: 센서가 가려졌을 수 있습니다", "nothing came back: the sensor may be covered"),
    Reason.OVER_BRIM: Text("가득 찬 높이를 넘었습니다", "the surface is above the height of a full bin"),
    Reason.FLOOR: Text("측정 오차 안에서 바닥입니다: 빈 통으로 봅니다", "the floor, within the sensor's error: empty"),
    Reason.BELOW_FLOOR: Text(
        "바닥보다 멉니다: 등록된 깊이나 센서를 확인하십시오", "further than the floor: check the registered depth, or the sensor"
    ),
}


class Limits(msgspec.Struct, frozen=True):
    """Rows of rules/devices.toml in force."""

    floor_tolerance: float
    echo_m_min: float
    moved_m: float


class Filled(NamedTuple):
    """Levels (n,), nan where none is known, and a `Reason` (n,) of each."""

    fraction: FloatArray
    reason: NDArray[np.uint8]


def limits_on(day: date, folder: Path | None = None) -> Limits:
    """The limits in force on a day, the city's own first."""
    pack = load_pack("devices", folder)
    return Limits(**{name: float(pack.row("choices", name, Choice, day).value) for name in Limits.__struct_fields__})


def fill_from_distance(distance_m: FloatArray, depth_m: float, full_m: float, limits: Limits) -> Filled:
    """Levels of one bin from measured distances.

    Parameters
    ----------
    distance_m : (n,) from the sensor to the surface [m]; nan: no value
    depth_m, full_m : of the bin [m], ``0 <= full_m < depth_m``

    Returns
    -------
    Filled
        (n,) fill fraction [1], above 1 over the brim, below 0 only where the surface is further than the floor allows

    Raises
    ------
    InputError : the bin's geometry is impossible (``bin.geometry``)
    """
    if not 0 <= full_m < depth_m < np.inf:
        raise InputError("bin.geometry", f"A bin with depth_m {depth_m:g} and full_m {full_m:g} is impossible.")
    distance = np.asarray(distance_m, np.float64)
    unknown = ~np.isfinite(distance)
    no_echo = ~unknown & (distance < limits.echo_m_min)
    with np.errstate(invalid="ignore", over="ignore"):
        level = np.clip((depth_m - distance) / (depth_m - full_m), -LARGEST, LARGEST)  # the quotient of what no sensor sends
        fraction = np.where(unknown | no_echo, np.nan, level)
        below = distance > depth_m
        far = distance > depth_m * (1 + limits.floor_tolerance)
    reason = np.select(
        [unknown, no_echo, fraction > 1, far, below],
        [Reason.NO_DISTANCE, Reason.NO_ECHO, Reason.OVER_BRIM, Reason.BELOW_FLOOR, Reason.FLOOR],
        Reason.NONE,
    ).astype(np.uint8)
    return Filled(np.where(reason == Reason.FLOOR, 0.0, fraction), reason)


def distance_of(fraction: FloatArray, depth_m: float, full_m: float) -> FloatArray:
    """The distance [m] a sensor measures at a level: what a simulated bin sends."""
    return np.maximum(depth_m - np.asarray(fraction, np.float64) * (depth_m - full_m), 0.0)
