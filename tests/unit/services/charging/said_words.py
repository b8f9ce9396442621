"""Words of one transaction as the central system keeps them, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from dure.core.time import to_us
from dure.services.charging.central.words import Sample, Sampled, StatusSaid, TransactionSaid

BEGAN = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
MIN = 60_000_000
T0 = to_us(BEGAN)
CHARGER, TRANSACTION = "site-1-c1", "4711"


def register(minute: float, wh: float, context: str = "Sample.Periodic", **more: Any) -> Sample:
    """A read of the register."""
    return Sample(T0 + round(minute * MIN), "Energy.Active.Import.Register", wh, context=context, **more)


def step(kind: Any, minute: float, *samples: Sample, **more: Any) -> TransactionSaid:
    """A step of the transaction, heard at once unless told otherwise."""
    at_us = T0 + round(minute * MIN)
    usual: dict[str, Any] = {"charger": CHARGER, "transaction": TRANSACTION, "at_us": at_us, "heard_us": at_us, "evse": 1}
    return TransactionSaid(step=kind, samples=samples, **(usual | more))


def sampled(minute: float, *samples: Sample, **more: Any) -> Sampled:
    """Meter values, heard at once."""
    usual: dict[str, Any] = {
        "charger": CHARGER, "transaction": TRANSACTION, "heard_us": T0 + round(minute * MIN), "evse": 1,
    }  # fmt: skip
    return Sampled(samples=samples, **(usual | more))


def status(minute: float, word: Any, **more: Any) -> StatusSaid:
    """A status of EVSE 1."""
    at_us = T0 + round(minute * MIN)
    usual: dict[str, Any] = {"charger": CHARGER, "evse": 1, "at_us": at_us, "heard_us": at_us}
    return StatusSaid(status=word, **(usual | more))


def usual_charge(wh: int = 1_000, minutes: int = 30, first: int = 50_000) -> list[TransactionSaid | Sampled]:
    """A transaction of OCPP 1.6: start, a read each minute, stop."""
    reads = [sampled(one, register(one, first + wh * one // minutes)) for one in range(1, minutes)]
    return [
        step("started", 0, begin_wh=first, token="t" * 64),
        *reads,
        step("ended", minutes, end_wh=first + wh, stopped_reason="EVDisconnected"),
    ]
