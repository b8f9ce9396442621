"""The job that fits the models of some meters anew. Pure: columns in, fits out; what has not changed is not fitted again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from dure.services.buildings.baselines.baseline_rules import BaselineRules
from dure.services.buildings.baselines.fits import METHODS, Fit, Frame, fit_rows
from dure.services.buildings.baselines.models import Kind
from dure.services.buildings.baselines.series import (
    Bill,
    Clockwork,
    Series,
    Span,
    billed,
    clockwork,
    digest_of,
    digest_of_bills,
    mean_of_days,
    span_of,
)
from dure.services.buildings.modelling.compiling import KERNELS, compile_ahead, spare_cache

WARM = "dure.services.buildings.baselines.refits.warm"
REFIT = "dure.services.buildings.baselines.refits.refit"
BYTES_MAX = 900_000  # of a job's columns; a job holds at most 1 MB


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """One meter of a job.

    Attributes
    ----------
    usage : bytes of float64 (n_hours,), NaN where not measured; empty: it is read from bills
    sky : which of the job's temperatures is its own
    known : digest of the fit that stands, by kind
    """

    id: str
    sky: int
    usage: bytes = b""
    bills: list[Bill] = []
    known: dict[str, str] = {}  # as in every struct: copied
    net: bool = False
    sources: list[dict[str, Any]] = []


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Some meters, and the hourly temperatures [bytes of float32 (n_hours,)] of the places they stand at."""

    zone: str
    first: date
    end: date
    rules: BaselineRules
    skies: list[bytes]
    meters: list[Meter]


class Refitted(msgspec.Struct, frozen=True, kw_only=True):
    """The fits of one meter that are other than what stands."""

    meter: str
    fits: list[Fit]
    same: int = 0


def warm(spare: str) -> list[str]:
    """Have every loop compiled, or loaded from the cache, in this process and so for all that come after it."""
    spare_cache(spare)
    compile_ahead()
    return list(KERNELS)


def refit(batch: bytes, spare: str = "") -> bytes:
    """The fits of a batch, both as MessagePack; `spare` folder of compiled loops where no other can be written."""
    if spare:
        spare_cache(spare)
    asked = msgspec.msgpack.decode(batch, type=Batch)
    span = span_of(asked.first, asked.end, ZoneInfo(asked.zone))
    clock = clockwork(span, ZoneInfo(asked.zone))
    skies = [np.frombuffer(one, np.float32).astype(float) for one in asked.skies]
    return msgspec.msgpack.encode([refitted(one, skies[one.sky], (span, clock), asked.rules) for one in asked.meters])


def refitted(meter: Meter, temperature: NDArray[np.float64], when: tuple[Span, Clockwork], rules: BaselineRules) -> Refitted:
    """The fits of a meter that are new or other than what stands."""
    if not meter.usage:
        return _of_bills(meter, temperature, when, rules)
    span, clock = when
    usage = np.frombuffer(meter.usage, np.float64)
    series = Series(span, usage, temperature, clock)
    have = np.flatnonzero(np.isfinite(usage))
    days = 0 if not len(have) else int(clock.day[have[-1]] - clock.day[have[0]]) + 1
    found: list[Fit] = []
    kinds: tuple[Kind, ...] = ("hourly", "daily")
    for kind in kinds:
        frame = Frame(
            kind=kind,
            start_day=span.first.isoformat(),
            end_day=span.end.isoformat(),
            days=days,
            sha256=digest_of(usage, temperature, words=f"{METHODS[kind]}/{span.first}/{span.end}"),
            sources=meter.sources,
        )
        if meter.known.get(kind) == frame.sha256:
            continue
        rows = series.hourly(net=meter.net) if kind == "hourly" else series.daily(rules, net=meter.net)
        found.append(fit_rows(rows, frame, rules))
    return Refitted(meter=meter.id, fits=found, same=len(kinds) - len(found))


def _of_bills(meter: Meter, temperature: NDArray[np.float64], when: tuple[Span, Clockwork], rules: BaselineRules) -> Refitted:
    span, clock = when
    daily = mean_of_days(temperature, clock.day - clock.day[0], span.days, rules.temperature_share_min)
    rows = billed(meter.bills, daily, span.first)
    bills: Sequence[Bill] = [one for one in meter.bills if span.first <= one.first and one.end <= span.end]
    frame = Frame(
        kind="billing",
        start_day=min((one.first for one in bills), default=span.first).isoformat(),
        end_day=max((one.end for one in bills), default=span.end).isoformat(),
        days=sum((one.end - one.first).days for one in bills),
        sha256=digest_of(daily, words=f"{METHODS['billing']}/{span.first}/{span.end}/{digest_of_bills(bills)}"),
        sources=meter.sources,
    )
    if meter.known.get("billing") == frame.sha256:
        return Refitted(meter=meter.id, fits=[], same=1)
    return Refitted(meter=meter.id, fits=[fit_rows(rows, frame, rules)])
