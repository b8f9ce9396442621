"""What solar gave and to whom is told flow by flow, so that one kWh is never in two of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from dure.core.text import Text
from dure.core.time import day_interval
from dure.services.charging.model import Site
from dure.services.charging.origin.day_telling import DayTold
from dure.services.charging.origin.generation_telling import GENERATED, flows_of, generation_event

DAY = date(2026, 11, 22)
SITE = Site(id="cs-1", name=Text("시청", "Hall"), lon=126.8, lat=37.2, contract_w=1e5, behind_meter="bd-1/m-1")
TOLD = DayTold(
    site="cs-1", day=DAY, n=0, told_at=datetime(2026, 11, 23, tzinfo=UTC),
    wh={"pv": 400, "ess_pv": 100, "ess_grid": 0, "grid": 50},
    accounts=[
        ("pv", "ev", "pv", 300), ("pv", "ev", "grid", 100), ("pv", "ess", "pv", 250), ("pv", "load", "pv", 80),
        ("pv", "export", "pv", 20), ("ess_pv", "ev", "ess_pv", 100), ("ess_pv", "load", "ess_pv", 40),
        ("grid", "load", "grid", 999),
    ],
    intervals=96, estimated=1, corrected=0, readings_sha256="a" * 64, head="b" * 64,
)  # fmt: skip


def test_flows_are_those_of_solar_by_where_it_went():
    assert flows_of(TOLD) == {
        "ev": 400, "ess": 250, "load": 80, "export": 20, "unmetered": 0, "ess_ev": 100, "ess_load": 40, "ess_export": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "replaces"), [("", ""), ("origin-cs-1-2026-11-22", "generation-cs-1-2026-11-22")], ids=["first", "told again"]
)
def test_the_event_has_evidence_of_what_was_generated_and_names_what_it_replaces(before, replaces):
    event = generation_event(TOLD, ("origin-cs-1-2026-11-22-1", before), day_interval(DAY, ZoneInfo("Asia/Seoul")), SITE)
    assert (event.id, event.type, event.subject) == ("generation-cs-1-2026-11-22-1", GENERATED, "cs-1")
    assert (event.data["replaces"], event.data["behind"]) == (replaces, "bd-1/m-1")
    (claim,) = event.data["evidence"]
    assert (claim["quantity"], claim["unit"], claim["readings_sha256"]) == (750, "Wh", "a" * 64)
    assert msgspec.json.encode(event)
