"""Whole amounts shared out without losing a unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from dure.core.time import from_us, to_us
from dure.services.buildings.reads.model import QUALITY_RANK, Delta, Quality, Why

if TYPE_CHECKING:
    from datetime import datetime


def shares(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in proportion to weights of 0 or more, each share rounded, their sum exact (largest remainder).

    Weights that are all 0 count as equal. Ties go to the earlier share.
    """
    whole = sum(weights)
    if whole == 0:
        weights, whole = [1] * len(weights), len(weights)
    floors = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in order[: total - sum(floors)]:
        floors[i] += 1
    return floors


def capped_shares(total: int, weights: Sequence[int], caps: Sequence[int]) -> list[int]:
    """`total` in proportion to weights, no share above its cap; what does not fit goes where there is room.

    Parameters
    ----------
    total : amount to share, 0 <= total <= sum(caps)
    weights : (n,) 0 or more
    caps : (n,) the most of each share
    """
    found = [min(share, cap) for share, cap in zip(shares(total, weights), caps, strict=True)]
    room = [cap - share for share, cap in zip(found, caps, strict=True)]
    rest = total - sum(found)
    if rest > sum(room):
        raise ValueError("the caps do not hold the total")
    if rest:
        more = shares(rest, room)  # never above a room, since rest <= sum(room): rest * room / sum(room) <= room
        found = [share + extra for share, extra in zip(found, more, strict=True)]
    return found


def on_grid(deltas: Sequence[Delta], start: datetime, period: timedelta, count: int) -> list[Delta | None]:
    """Deltas on a regular grid of `count` periods, by time within each delta; None where a period is not wholly covered.

    Amounts are cut at the same rounded running total on both sides of a grid line, so nothing is lost or doubled. A period
    that holds part of a longer delta is an estimate; else it takes the least quality among its parts.
    """
    zero, step = to_us(start), period // timedelta(microseconds=1)
    amount, covered = [0] * count, [0] * count
    quality = [Quality.MEASURED] * count
    why = [Why.READ] * count
    for delta in deltas:
        a, b = to_us(delta.start), to_us(delta.end)
        lines = [a, *range(zero + ((a - zero) // step + 1) * step, b, step), b]
        for left, right in pairwise(lines):
            i = (left - zero) // step
            if not 0 <= i < count:
                continue
            part = delta.amount * (right - a) // (b - a) - delta.amount * (left - a) // (b - a)
            amount[i] += part
            covered[i] += right - left
            own = delta.quality if len(lines) == 2 or QUALITY_RANK[delta.quality] else Quality.ESTIMATED
            if QUALITY_RANK[own] > QUALITY_RANK[quality[i]]:
                quality[i], why[i] = own, delta.why
    return [
        Delta(from_us(zero + i * step), from_us(zero + (i + 1) * step), amount[i], quality[i], why[i])
        if covered[i] == step
        else None
        for i in range(count)
    ]
