"""The rows of rules/transparency.toml in force on a day."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import msgspec

from dure.services.carbon.rules import Choice, load_pack


class LogRules(msgspec.Struct, frozen=True):
    """When checkpoints are signed and kept.

    Attributes
    ----------
    batch_n : entries that get their places in one transaction
    heads_kept : so long the checkpoints between the daily ones are kept
    ahead : so far a witness's clock may be ahead of ours
    bundle_readings_n : digests of readings a bundle lists at most
    """

    batch_n: int
    heads_kept: timedelta
    ahead: timedelta
    bundle_readings_n: int


@lru_cache(16)
def log_rules(day: date, folder: Path | None = None) -> LogRules:
    """The rows in force on a day; a city's own pack wins."""
    pack = load_pack("transparency", folder)
    return LogRules(
        int(pack.row("choices", "batch_n", Choice, day).value),
        timedelta(days=float(pack.row("choices", "heads_kept_d", Choice, day).value)),
        timedelta(seconds=float(pack.row("choices", "ahead_s", Choice, day).value)),
        int(pack.row("choices", "bundle_readings_n", Choice, day).value),
    )
