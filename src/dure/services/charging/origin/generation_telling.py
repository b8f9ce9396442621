"""What a site's own generators gave on a day, and to whom, told beside the day's renewable energy: for claims of generation.

The same solar kWh may drive a vehicle, serve the site's other load or leave for the grid. Each flow is told apart, so that what
is claimed of one says nothing of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.events import Event, Evidence
from dure.services.charging.model import SERVICE
from dure.services.charging.origin.allocating import RULE

if TYPE_CHECKING:
    from dure.core.time import Interval
    from dure.services.charging.model import Site
    from dure.services.charging.origin.day_telling import DayTold

GENERATED = "charging.generation.measured"
# Flows of solar energy by (source, sink) of the accounts. What was taken in by storage comes out of it again under its own name.
FLOWS: dict[tuple[str, str], str] = {
    ("pv", "ev"): "ev",
    ("pv", "ess"): "ess",
    ("pv", "load"): "load",
    ("pv", "export"): "export",
    ("pv", "unmetered"): "unmetered",
    ("ess_pv", "ev"): "ess_ev",
    ("ess_pv", "load"): "ess_load",
    ("ess_pv", "export"): "ess_export",
}
DIRECT = ("ev", "ess", "load", "export", "unmetered")


def flows_of(one: DayTold) -> dict[str, int]:
    """Solar energy of a day by where it went [Wh]; what is not known to the hour is not among it. Pure."""
    found = dict.fromkeys(FLOWS.values(), 0)
    for source, sink, _, wh in one.accounts:
        if (source, sink) in FLOWS:
            found[FLOWS[source, sink]] += wh
    return found


def generation_id(told_id: str) -> str:
    """Id of the event, from that of the day."""
    return f"generation-{told_id.removeprefix('origin-')}"


def generation_event(one: DayTold, ids: tuple[str, str], span: Interval, site: Site) -> Event:
    """Generation of a site's day with evidence; `ids` are those of the day told and of the one it replaces, or empty. Pure."""
    told, before = ids
    ident, flows = generation_id(told), flows_of(one)
    evidence = Evidence(
        event=ident,
        quantity=sum(flows[name] for name in DIRECT),
        unit="Wh",
        interval=span,
        readings_sha256=one.readings_sha256,
        method=RULE,
    )
    data: dict[str, Any] = {
        "site": one.site,
        "day": one.day.isoformat(),
        "flows": flows,
        "behind": site.behind_meter,
        "estimated_intervals": one.estimated,
        "head": one.head,
        "readings": list(one.readings),
        "decision": told,
        "replaces": generation_id(before) if before else "",
        "evidence": [msgspec.to_builtins(evidence)],
    }
    return Event(id=ident, type=GENERATED, source=f"dure/{SERVICE}", time=one.told_at, subject=one.site, data=data)
