"""Events as the services tell them, for tests of claims."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dure.core.events import Event

TOLD_AT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
SPAN = {"start": "2026-10-31T15:00:00Z", "end": "2026-11-22T15:00:00Z"}


def evidence(quantity: int, unit: str, span: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """One claim of an event."""
    return {
        "event": "e", "quantity": quantity, "unit": unit, "interval": span or SPAN, "readings_sha256": "b" * 64, "method": "m",
        "factors": [],
    } | more  # fmt: skip


def building_saving(
    ident: str = "verified-ms-1-2026-11-01", *, low_g: int = 800_000, grams: int = 1_000_000, **data: Any
) -> Event:
    """A verified saving of a building."""
    found = {
        "measure": "ms-1",
        "building": "bd-1",
        "work": "led",
        "meters": ["m-1", "m-2"],
        "start": "2026-11-01",
        "until": "2026-11-23",
        "decision": "saving-ms-1-2026-11-23",
        "confidence": 0.9,
        "evidence": [
            evidence(2_000_000, "Wh", low=1_600_000, high=2_400_000),
            evidence(grams, "gCO2e", low=low_g, high=1_200_000, factors=["electricity-public-2020"]),
        ],
    } | data
    return Event(id=ident, type="buildings.saving.verified", source="dure/buildings", time=TOLD_AT, subject="bd-1", data=found)


def generation(ident: str = "generation-cs-1-2026-11-22", **data: Any) -> Event:
    """A day's generation of a charging site."""
    span = {"start": "2026-11-21T15:00:00Z", "end": "2026-11-22T15:00:00Z"}
    flows = {"ev": 40_000, "ess": 20_000, "load": 30_000, "export": 10_000, "unmetered": 0, "ess_ev": 10_000, "ess_load": 2_000}
    found = {
        "site": "cs-1", "day": "2026-11-22", "flows": flows, "behind": "", "decision": "origin-cs-1-2026-11-22", "replaces": "",
        "evidence": [evidence(100_000, "Wh", span)],
    } | data  # fmt: skip
    return Event(id=ident, type="charging.generation.measured", source="dure/charging", time=TOLD_AT, subject="cs-1", data=found)


def collection(ident: str = "saved-2026-11-01-b1", **data: Any) -> Event:
    """A month of waste collection."""
    saving = {"mean": 8.0, "low": 5.0, "high": 11.0, "verdict": "saving"}
    found = {
        "start": "2026-11-01", "end": "2026-11-23", "baseline": "b1", "days": 22, "confidence": 0.9, "interval": SPAN,
        "readings_sha256": "c" * 64, "savings": {"km": saving | {"mean": 30.0}, "fuel_l": saving}, "evidence": [],
    } | data  # fmt: skip
    return Event(id=ident, type="waste.saving.assessed", source="dure/waste", time=TOLD_AT, data=found)


def weighing(ident: str = "wgh-1", *, mass_g: int = 5_000, readings_sha256: str = "b" * 64, **data: Any) -> Event:
    """A bag of recyclables on a scale."""
    span = {"start": "2026-11-22T03:00:00Z", "end": "2026-11-22T03:00:01Z"}
    found = {
        "bag": "bag-1", "scale": "scale-1", "material": "paper", "holder": "city", "weighed_at": span["start"],
        "evidence": [evidence(mass_g, "g", span, readings_sha256=readings_sha256)],
    } | data  # fmt: skip
    return Event(id=ident, type="carbon.weighing.recorded", source="dure/carbon", time=TOLD_AT, subject="scale-1", data=found)
