"""The use of a meter in a local month: what was measured, estimated, put in, filled by model, and how much of it is covered."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.reads.model import Book

Source = Literal["intervals", "bills", "both", "formula", "parcel", "none"]


class MonthUse(msgspec.Struct, frozen=True, kw_only=True):
    """One meter, one month ("2026-05", of the city's clock).

    Attributes
    ----------
    amount : = measured + estimated + substituted + filled [book unit]
    half_width : of the 90 % interval of what was filled [book unit]; 0: nothing was
    coverage : share of the month for which an amount is known without filling [1]
    won : as billed; None: no bill says it
    sha256 : digest of the entries and bills it was made from
    known_at : since when this row stands; replaced_at : when a later one took its place
    """

    meter: str
    month: str
    known_at: datetime
    building: str
    fuel: Fuel
    part: str
    book: Book
    amount: int
    measured: int
    estimated: int = 0
    substituted: int = 0
    filled: int = 0
    half_width: int = 0
    coverage: float = 1.0
    won: int | None = None
    source: Source = "intervals"
    sha256: str = ""
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance
    replaced_at: datetime | None = None
