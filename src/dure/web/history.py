"""The past of one series as a page of an asset shows it: every reading of a day, hours of a week or a month."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from dure.core.observations import Flag
from dure.core.properties import Property
from dure.core.text import Text
from dure.core.time import US_PER_S, to_us
from dure.web.charts import Band, Chart, Dot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.engines.telemetry.port import RollUpColumns, Telemetry
    from dure.web.i18n import Speech

HOUR_US = 3_600 * US_PER_S
PUBLIC = (Flag.GOOD, Flag.SUSPECT)


class Reach(NamedTuple):
    """How far back a chart looks, and whether it shows readings or hours."""

    id: str
    name: Text
    back: timedelta
    grain: Literal["reading", "hour"]


REACHES: dict[str, Reach] = {
    one.id: one
    for one in (
        Reach("24h", Text("24시간", "24 hours"), timedelta(hours=24), "reading"),
        Reach("7d", Text("7일", "7 days"), timedelta(days=7), "hour"),
        Reach("30d", Text("30일", "30 days"), timedelta(days=30), "hour"),
    )
}


class Past(NamedTuple):
    """Dots and bands of a series over ``[start_us, end_us)``, and how many rows carry which flag."""

    start_us: int
    end_us: int
    dots: Sequence[Dot]
    bands: Sequence[Band]
    gap_us: int
    flags: dict[int, int]


def of_series(telemetry: Telemetry, series: tuple[str, Property], reach: Reach, now: datetime, *, everything: bool) -> Past:
    """The past of a series; blocks. Citizens get no number that is not fit to be shown."""
    asset, known = series
    end_us = to_us(now) + US_PER_S
    start_us = to_us(now - reach.back)
    if reach.grain == "reading":
        return _readings(telemetry, (asset, known), start_us, end_us, everything=everything)
    return _hours(telemetry.rollup(known.id, "hour", start_us, end_us, assets=[asset]), start_us, end_us)


def _readings(telemetry: Telemetry, series: tuple[str, Property], start_us: int, end_us: int, *, everything: bool) -> Past:
    asset, known = series
    found = telemetry.series((asset, known.id), start_us, end_us)
    dots = []
    flags: dict[int, int] = {}
    for time_us, value, flag in zip(found.time_us.tolist(), found.value.tolist(), found.flag.tolist(), strict=True):
        flags[flag] = flags.get(flag, 0) + 1
        hidden = value != value or (not everything and flag not in PUBLIC)  # noqa: PLR0124  # NaN is unlike itself
        dots.append(Dot(time_us, None if hidden else value, flag))
    return Past(start_us, end_us, dots, (), 3 * known.period_s * US_PER_S, flags)


def _hours(found: RollUpColumns, start_us: int, end_us: int) -> Past:
    dots, bands = [], []
    columns = (found.start_us, found.mean, found.low, found.high, found.n_suspect, found.n_good)
    for hour_us, mean, low, high, n_suspect, n_good in zip(*(column.tolist() for column in columns), strict=True):
        usable = n_good + n_suspect > 0
        dots.append(Dot(hour_us + HOUR_US // 2, mean if usable else None, Flag.GOOD if usable else Flag.MISSING))
        if usable:
            bands.append(Band(hour_us, hour_us + HOUR_US, low, high))
    flags = {
        int(flag): int(column.sum())
        for flag, column in (
            (Flag.GOOD, found.n_good),
            (Flag.NOT_EVALUATED, found.n_not_evaluated),
            (Flag.SUSPECT, found.n_suspect),
            (Flag.FAIL, found.n_fail),
            (Flag.MISSING, found.n_missing),
        )
        if column.sum()
    }
    return Past(start_us, end_us, dots, bands, 2 * HOUR_US, flags)


def chart_of(past: Past, known: Property, say: Speech) -> Chart:
    """The chart of a past."""
    return Chart(
        title=say.text(known.name),
        unit=known.unit,
        decimals=known.decimals,
        start_us=past.start_us,
        end_us=past.end_us,
        dots=past.dots,
        gap_us=past.gap_us,
        bands=past.bands,
    )
