"""Charts of a site's energy: hours of a day by source, with what vehicles took beside them. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from dure.core.time import US_PER_S, from_us, to_us
from dure.services.charging.pages.state_words import SOURCE_NAMES
from dure.web.bar_charts import BarChart, Series, Stack

if TYPE_CHECKING:
    from dure.core.time import Interval
    from dure.services.charging.publishing.day_energy import SiteEnergy
    from dure.services.charging.publishing.flows import Source
    from dure.web.i18n import Speech

HOUR_US = 3_600 * US_PER_S
_LAYERS: tuple[tuple[Source, str], ...] = (
    ("grid", "hatch"),
    ("ess_grid", "columns"),
    ("ess", "rows"),
    ("ess_pv", "dots"),
    ("pv", "plain"),
    ("vehicle", "back"),
    ("unknown", "cross"),
)
_ALWAYS = frozenset({"grid", "pv"})


def hours_chart(energy: SiteEnergy, today: Interval, say: Speech, *, limit_kw: float) -> BarChart:
    """What each source gave in each hour of a day [kWh]; the grid stands below, where its layer meets the contract."""
    by_source = {source: energy.by_hour(source=source) / 1_000 for source, _ in _LAYERS}
    vehicles = energy.by_hour(sink="ev") / 1_000
    shown = [(source, pattern) for source, pattern in _LAYERS if source in _ALWAYS or by_source[source].any()]
    stacks = []
    for number in range(round(today.duration / timedelta(hours=1))):
        at = from_us(to_us(today.start) + number * HOUR_US)
        known = number < len(vehicles)
        stacks.append(
            Stack(
                label=f"{at.astimezone(say.zone).hour}",
                name=say("{clock}부터 한 시간", clock=say.clock(at)),
                parts=[float(by_source[source][number]) if known else None for source, _ in shown],
                compare=float(vehicles[number]) if known else None,
            )
        )
    peak = max((float(value) for value in by_source["grid"]), default=0.0)
    return BarChart(
        id="hours",
        title=say("오늘 시간마다 쓴 전력"),
        unit="kWh",
        decimals=1,
        series=[Series(f"from-{source}", say.text(SOURCE_NAMES[source]), pattern) for source, pattern in shown],
        stacks=stacks,
        compare_name=say("그 가운데 전기차"),
        limit=limit_kw if peak > limit_kw / 2 else None,
    )
