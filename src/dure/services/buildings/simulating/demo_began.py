"""When the demo of a data folder began: what is simulated is the same after every start, so registers count on."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

FILE = "demo-buildings.json"


class Began(msgspec.Struct, frozen=True):
    """The instant, and whether the past was sent: a start that was ended in between sends it again."""

    began_at: datetime
    past_sent: bool = False


def began(folder: Path, now: datetime) -> Began:
    """What is kept, or a beginning at the full hour that is kept from now on."""
    file = folder / FILE
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Began)
    one = Began(now.replace(minute=0, second=0, microsecond=0))
    keep(folder, one)
    return one


def keep(folder: Path, one: Began) -> None:
    """Keep it."""
    part = folder / f"{FILE}.part"
    part.write_bytes(msgspec.json.encode(one))
    part.replace(folder / FILE)
