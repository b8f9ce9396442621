"""A world as bytes and plain values, so that it can go to where there is room to rehearse."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from dure.services.charging.model import Storage
from dure.services.charging.planning.rehearsing.world import World
from dure.services.charging.planning.stays import Days, Stays

_ARRAYS = ("sun_w", "load_w", "price_won_kwh", "export_won_kwh")
_PLAIN = ("start_us", "step_s", "lead", "contract_w", "demand_won_kw", "grid_to_ess")
_STAYS = (("arrive", np.int64), ("depart", np.int64), ("need_wh", np.float64), ("max_w", np.float64))


def packed(world: World) -> dict[str, Any]:
    """A world as MessagePack holds it."""
    words: dict[str, Any] = {name: getattr(world, name).astype(np.float64).tobytes() for name in _ARRAYS}
    words["stays"] = {name: getattr(world.stays, name).astype(kind).tobytes() for name, kind in _STAYS}
    words["days"] = msgspec.to_builtins(world.days) | {"holidays": sorted(world.days.holidays)}
    words["storage"] = None if world.storage is None else msgspec.to_builtins(world.storage)
    return words | {name: getattr(world, name) for name in _PLAIN}


def unpacked(words: dict[str, Any]) -> World:
    """The world that was packed."""
    arrays: dict[str, Any] = {name: np.frombuffer(words[name], np.float64).copy() for name in _ARRAYS}
    columns: dict[str, Any] = {name: np.frombuffer(words["stays"][name], kind).copy() for name, kind in _STAYS}
    storage = None if words["storage"] is None else msgspec.convert(words["storage"], Storage)
    rest = {name: words[name] for name in _PLAIN}
    return World(**arrays, stays=Stays(**columns), storage=storage, days=msgspec.convert(words["days"], Days), **rest)
