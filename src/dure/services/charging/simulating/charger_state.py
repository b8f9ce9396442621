"""What a virtual charger remembers: its registers, vehicles, transactions, profiles, and what it could not send yet.

Everything is plain data, so it survives a restart as JSON, as a real charger's flash does.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dure.services.charging.simulating.charging_limits import Limits
from dure.services.charging.simulating.virtual_drivers import Visit

MJ_PER_WH = 3_600_000


class Car(msgspec.Struct):
    """A vehicle that is plugged in. Energies in mJ; `leaves_us` may come earlier than its visit says."""

    visit: Visit
    leaves_us: int
    held_mj: int
    given_mj: int = 0
    asked: bool = False  # its driver tried to start

    @property
    def soc(self) -> float:
        """State of charge, 0..1."""
        return min(self.held_mj / (self.visit.battery_wh * MJ_PER_WH), 1.0)

    @property
    def left_mj(self) -> int:
        """What its driver still wants, at most what has room."""
        wanted = self.visit.need_wh * MJ_PER_WH - self.given_mj
        return max(min(wanted, self.visit.battery_wh * MJ_PER_WH - self.held_mj), 0)


class Tx(msgspec.Struct):
    """A transaction that runs.

    Attributes
    ----------
    key : the station's own; the transaction id in 2.x
    token : what the card or the phone said; kind of it in OCPP 2.x's words
    state : charging state in OCPP 2.x's words
    told_us : of the last sample
    """

    key: str
    token: str
    begun_us: int
    begin_wh: int
    kind: str = "ISO14443"
    seq: int = 0
    state: str = "EVConnected"
    remote_start: int = 0
    told_us: int = 0
    blocked: bool = False
    target_told: bool = False


class Waiting(msgspec.Struct):
    """A start that waits for its vehicle."""

    token: str
    kind: str
    until_us: int
    remote_start: int = 0


class EvseState(msgspec.Struct):
    """One EVSE. `shown_less_wh`: what its display shows less than it gave (after a reset of its register)."""

    register_mj: int = 0
    shown_less_wh: int = 0
    power_w: float = 0.0
    car: Car | None = None
    tx: Tx | None = None
    waiting: Waiting | None = None
    operative: bool = True
    closing: bool = False  # becomes inoperative when its transaction ends
    reserved: str = ""
    reservation: int = 0
    reserved_until_us: int = 0
    status: str = ""
    done: bool = False  # this vehicle's transaction has ended


class Said(msgspec.Struct):
    """One CALL of the station; `kept` ones wait until they are answered, whatever happens."""

    id: str
    action: str
    payload: dict[str, Any]
    kept: bool = False
    tx: str = ""
    evse: int = 0
    tries: int = 0


class ChargerState(msgspec.Struct):
    """One charger."""

    evses: dict[int, EvseState] = {}  # msgspec copies an empty default for every instance
    profiles: list[Limits] = []
    queue: list[Said] = []
    numbers: dict[str, int] = {}  # 1.6: the central system's id of a transaction, by the station's key
    variables: dict[str, str] = {}
    cards: dict[str, bool] = {}  # what it knows of cards: local list and cache
    list_version: int = 0
    count: int = 0
    boots: int = 0
    begun_n: int = 0  # transactions
    looked_us: int = 0
    messages: dict[str, dict[str, Any]] = {}  # display messages by id
    operative: bool = True
