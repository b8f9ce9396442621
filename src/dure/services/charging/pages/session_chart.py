"""A session as charts: what had passed until then, and the power it took. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.observations import Flag
from dure.core.time import to_us
from dure.web.charts import Chart, Dot

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from dure.services.charging.sessions.session_desk import Sample
    from dure.web.i18n import Speech

GAP_US = 20 * 60_000_000  # stations sample at least every quarter hour


def charts_of(samples: Sequence[Sample], span: tuple[datetime, datetime], say: Speech) -> list[Chart]:
    """The charts there are values for."""
    start_us, end_us = to_us(span[0]), max(to_us(span[1]), to_us(span[0]) + 60_000_000)
    told = (
        (say("받은 전력량"), "kWh", 2, [(one.at, one.total_wh) for one in samples]),
        (say("전력"), "kW", 1, [(one.at, one.power_w) for one in samples]),
    )
    found = []
    for title, unit, decimals, values in told:
        dots = [Dot(to_us(at), value / 1_000, Flag.GOOD) for at, value in values if value is not None]
        if len(dots) > 1:
            found.append(
                Chart(
                    title=title, unit=unit, decimals=decimals, start_us=start_us, end_us=end_us, dots=dots, gap_us=GAP_US
                )
            )  # fmt: skip
    return found
