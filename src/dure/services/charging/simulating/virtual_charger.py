"""A virtual charger: vehicles, cards, energy, registers, and when it says what.

How it says it is its version's (`speech_16`, `speech_2`).
It is stepped from outside with the time, so a test, a demo and a past of weeks run the same code. Its socket is `charger_link`'s.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from dure.core.time import US_PER_S
from dure.services.charging.model import Charger, Evse, Version
from dure.services.charging.simulating import charging_limits
from dure.services.charging.simulating.charger_state import MJ_PER_WH, Car, ChargerState, EvseState, Said, Tx, Waiting
from dure.services.charging.simulating.charging_limits import Asked
from dure.services.charging.simulating.virtual_drivers import CARDS, Visit, card_number, chance

FAULTS = ("", "register_reset", "clock_off", "backwards", "flapping", "doubled")
CLOCK_OFF_US = -3 * 365 * 86_400 * US_PER_S
SAMPLE_S, ALIGNED_S, HEARTBEAT_S = 60, 900, 300
RESET_EVERY_S = 6 * 3_600
BACKWARDS_WH = 7
PATIENCE_US = 20 * 60 * US_PER_S  # a driver whose vehicle does not start goes after so long
REFUSED_US = 3 * 60 * US_PER_S
QUEUE_MAX = 50_000
TAPER_FROM, TAPER_END = 0.8, 0.15  # above this charge a vehicle takes less and less, down to this share
FULL_SHARE = 1e-4
SETTINGS = {
    "HeartbeatInterval": str(HEARTBEAT_S),
    "MeterValueSampleInterval": str(SAMPLE_S),
    "ClockAlignedDataInterval": str(ALIGNED_S),
    "ConnectionTimeOut": "120",
    "AllowOfflineTxForUnknownId": "true",
    "LocalPreAuthorize": "true",
    "StopTransactionOnInvalidId": "true",
}


class Speech(Protocol):
    """How a version of OCPP says what happens at a charger. Each call puts what is said into the charger's queue."""

    def boot(self) -> Said:
        """The first message of a connection."""
        ...

    def heartbeat(self) -> None:
        """It is alive."""
        ...

    def status(self, number: int, at_us: int) -> None:
        """The status of an EVSE, as it shows it now."""
        ...

    def authorize(self, number: int, token: str, kind: str) -> None:
        """Ask whether a token may charge."""
        ...

    def began(self, number: int, tx: Tx, at_us: int, trigger: str) -> None:
        """A transaction began."""
        ...

    def went_on(self, number: int, tx: Tx, at_us: int, trigger: str) -> None:
        """A sample, or another charging state."""
        ...

    def ended(self, number: int, tx: Tx, at_us: int, reason: str) -> None:
        """A transaction ended."""
        ...

    def aligned(self, number: int, at_us: int) -> None:
        """A sample at a round time of an EVSE without a transaction."""
        ...

    def needs(self, number: int, car: Car) -> None:
        """What a vehicle told of its need, where the version has words for it."""
        ...

    def answered(self, said: Said, answer: dict[str, Any], at_us: int) -> None:
        """The central system answered."""
        ...

    def asked(self, action: str, payload: dict[str, Any], at_us: int) -> dict[str, Any]:
        """The central system asks; `CallError` when it must not."""
        ...


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """How a charger is made: its place in the register, what it speaks, what is wrong with it."""

    charger: Charger
    evses: tuple[Evse, ...]
    version: Version
    fault: str = ""
    seed: int = 1
    voltage_v: float = 220.0


class VirtualCharger:
    """One charger with its EVSEs."""

    speech: Speech

    def __init__(self, made: Made, state: ChargerState | None = None) -> None:
        self.made = made
        self.charger, self.version, self.fault = made.charger, made.version, made.fault
        self.seed, self.voltage_v = made.seed, made.voltage_v
        self.evses = {one.number: one for one in made.evses}
        self.state = state or ChargerState()
        for number in self.evses:
            self.state.evses.setdefault(number, EvseState())
        self.state.variables = SETTINGS | self.state.variables
        self.online = False
        self.resets = 0  # asked for, not yet done

    # Settings and clock

    def seconds(self, name: str) -> int:
        """A setting that is a number of seconds."""
        text = self.state.variables.get(name, "0")
        return int(text) if text.isdigit() else 0

    def stamp_us(self, at_us: int) -> int:
        """An instant as the station's own clock has it."""
        return at_us + (CLOCK_OFF_US if self.fault == "clock_off" else 0)

    def shown_wh(self, number: int, at_us: int) -> int:
        """What the register of an EVSE shows."""
        one = self.state.evses[number]
        less = BACKWARDS_WH if self.fault == "backwards" and at_us // (60 * US_PER_S) % 10 >= 8 else 0  # two minutes of ten
        return max(one.register_mj // MJ_PER_WH - one.shown_less_wh - less, 0)

    # Energy

    def powers(self, at_us: int) -> dict[int, float]:
        """What each EVSE gives now [W]: the least of vehicle, EVSE, profiles and station; nothing below the minimum."""
        wished = {number: self._wish(number, at_us) for number in self.evses}
        most = min(charging_limits.station_w(self.state.profiles, at_us, self.voltage_v), self.charger.power_w or float("inf"))
        total = sum(wished.values())
        share = 1.0 if total <= most else max(most, 0.0) / total
        return {number: self._above_least(number, share * wish) for number, wish in wished.items()}

    def _wish(self, number: int, at_us: int) -> float:
        evse, one = self.evses[number], self.state.evses[number]
        car, tx = one.car, one.tx
        if car is None or tx is None or tx.blocked or not car.left_mj:
            return 0.0
        least = TAPER_END + (1 - TAPER_END) * (1 - car.soc) / (1 - TAPER_FROM)
        allowed = charging_limits.allowed_w(self.state.profiles, self._who(number, at_us, tx))
        return self._above_least(number, min(evse.power_w, car.visit.max_w * min(1.0, least), allowed))

    def _who(self, number: int, at_us: int, tx: Tx | None) -> Asked:
        phases = len(self.evses[number].phases)
        return Asked(number, at_us, tx.key if tx else "", tx.begun_us if tx else None, self.voltage_v, phases)

    def schedule(self, number: int, at_us: int, duration_s: int) -> list[tuple[int, float]]:
        """What an EVSE may give in the next seconds, as (seconds from now, watts), changes only."""
        who = self._who(number, at_us, self.state.evses[number].tx)
        return charging_limits.schedule(self.state.profiles, who, duration_s, self.evses[number].power_w)

    def least_w(self, number: int) -> float:
        """Below this no vehicle charges here."""
        evse = self.evses[number]
        return evse.min_a * self.voltage_v * len(evse.phases)

    def _above_least(self, number: int, power_w: float) -> float:
        car = self.state.evses[number].car
        small = car is not None and car.soc > TAPER_FROM  # at its end a vehicle takes less by itself
        return power_w if power_w >= self.least_w(number) - 1e-6 or (small and power_w >= self.least_w(number) / 4) else 0.0

    def flow(self, at_us: int, duration_us: int) -> int:
        """Let energy flow for a while; what went to vehicles [mJ]."""
        total = 0
        for number, power_w in self.powers(at_us).items():
            one = self.state.evses[number]
            given = 0
            if one.car is not None and power_w > 0:
                given = min(round(power_w * duration_us / 1_000), one.car.left_mj)
                one.car.given_mj += given
                one.car.held_mj += given
                one.register_mj += given
            one.power_w = given * 1_000 / duration_us if duration_us else power_w
            total += given
        return total

    # Vehicles and drivers

    def plug(self, number: int, visit: Visit, at_us: int) -> bool:
        """A vehicle is plugged in, and its driver does what he does; False when the place is taken or closed."""
        one = self.state.evses[number]
        if one.car is not None or not self.is_open(number):
            return False
        leaves_us = min(visit.leaves_us, at_us + PATIENCE_US) if visit.card == -1 and self.online else visit.leaves_us
        one.car, one.done = Car(visit, leaves_us, visit.taken_wh * MJ_PER_WH), False
        self.show(number, at_us)
        if one.waiting is not None:
            waiting, one.waiting = one.waiting, None
            self.begin(number, waiting, at_us)
        return True

    def is_open(self, number: int) -> bool:
        """Whether an EVSE may be used."""
        return self.state.operative and self.state.evses[number].operative

    def present(self, number: int, token: str, at_us: int) -> None:
        """A card is held to the reader: it begins a transaction, or ends the one it began."""
        one = self.state.evses[number]
        if one.tx is not None:
            if one.tx.token == token:
                self.end(number, at_us, "Local")
            return
        known = self.state.cards.get(token)
        if not self.online or (known and self.state.variables.get("LocalPreAuthorize") == "true" and self.state.list_version):
            if known or (known is None and self.state.variables.get("AllowOfflineTxForUnknownId") == "true"):
                self.begin(number, Waiting(token, "ISO14443", 0), at_us)
        else:
            self.speech.authorize(number, token, "ISO14443")

    def authorized(self, number: int, token: str, is_good: bool, at_us: int) -> None:  # the answer of the central system
        """The answer to a card."""
        self.state.cards[token] = is_good
        one = self.state.evses.get(number)
        if one is None or one.tx is not None or one.car is None:
            return
        if is_good:
            self.begin(number, Waiting(token, "ISO14443", 0), at_us)
        else:
            one.car.leaves_us = min(one.car.leaves_us, at_us + REFUSED_US)

    def begin(self, number: int, by: Waiting, at_us: int) -> Tx | None:
        """Begin a transaction, or wait for the vehicle it is for; None when it waits."""
        one = self.state.evses[number]
        if one.car is None:
            one.waiting = by
            return None
        if by.remote_start or by.kind == "Central":
            one.car.leaves_us = one.car.visit.leaves_us
        self.state.count += 1
        key = f"{self.charger.identity[-12:]}-{at_us // US_PER_S:x}-{self.state.count}"
        one.tx = Tx(key, by.token, at_us, self.shown_wh(number, at_us), kind=by.kind, remote_start=by.remote_start, told_us=at_us)
        one.reserved, one.reservation = "", 0
        self.state.begun_n += 1
        self.speech.began(number, one.tx, at_us, "RemoteStart" if by.remote_start else "Authorized")
        if one.car.visit.tells and self.online:
            self.speech.needs(number, one.car)
        return one.tx

    def end(self, number: int, at_us: int, reason: str) -> None:
        """End the transaction of an EVSE, if one runs."""
        one = self.state.evses[number]
        if one.tx is None:
            return
        tx, one.tx, one.done, one.power_w = one.tx, None, True, 0.0
        self.speech.ended(number, tx, at_us, reason)
        self.state.profiles = [p for p in self.state.profiles if p.transaction != tx.key]
        if one.closing:
            one.operative = one.closing = False
        self.show(number, at_us)

    def unplug(self, number: int, at_us: int) -> None:
        """A vehicle goes."""
        one = self.state.evses[number]
        if one.car is None:
            return
        by_card = chance(self.seed, one.car.visit.id, 9) < 0.5 or not self.evses[number].phases  # every second driver
        self.end(number, at_us, "Local" if by_card else "EVDisconnected")
        one.car = None
        self.show(number, at_us)

    # Time

    def look(self, at_us: int) -> None:
        """Whatever is due at an instant: departures, drivers, states, samples, the end of reservations."""
        for number, one in self.state.evses.items():
            car = one.car
            if car is not None and at_us >= car.leaves_us:
                self.unplug(number, at_us)
            elif car is not None and one.tx is None and not car.asked and not one.done:
                car.asked = True
                self._start_by_card(number, car, at_us)
            if one.tx is not None:
                self._states(number, one.tx, at_us)
                interval_us = self.seconds("MeterValueSampleInterval") * US_PER_S
                if self.online and interval_us and at_us - one.tx.told_us >= interval_us:
                    self.speech.went_on(number, one.tx, at_us, "MeterValuePeriodic")
            if one.waiting is not None and at_us >= one.waiting.until_us:
                one.waiting = None
            if one.reserved and at_us >= one.reserved_until_us:
                one.reserved, one.reservation = "", 0
            self.show(number, at_us)
        beat_us = self.seconds("HeartbeatInterval") * US_PER_S
        if self.online and beat_us and at_us // beat_us > self.state.looked_us // beat_us:
            self.speech.heartbeat()
        self.state.looked_us = at_us

    def _start_by_card(self, number: int, car: Car, at_us: int) -> None:
        card = car.visit.card
        if card == -1 and not self.online:
            card = car.visit.need_wh % CARDS  # a phone has no use while the charger is not connected
        if card != -1:
            self.present(number, card_number(card), at_us)

    def _states(self, number: int, tx: Tx, at_us: int) -> None:
        one = self.state.evses[number]
        full = one.car is None or not one.car.left_mj
        state = "SuspendedEV" if full or tx.blocked else "Charging" if self.powers(at_us)[number] > 0 else "SuspendedEVSE"
        if state != tx.state:
            tx.state = state
            self.speech.went_on(number, tx, at_us, "ChargingStateChanged")

    def minute(self, at_us: int) -> None:
        """A full minute of the clock: samples at round times, registers that are reset."""
        aligned_us = self.seconds("ClockAlignedDataInterval") * US_PER_S
        if self.fault == "register_reset" and at_us % (RESET_EVERY_S * US_PER_S) == 0:
            for one in self.state.evses.values():
                one.shown_less_wh = one.register_mj // MJ_PER_WH
        if not aligned_us or at_us % aligned_us:
            return
        for number, one in self.state.evses.items():
            if one.tx is not None:
                self.speech.went_on(number, one.tx, at_us, "MeterValueClock")
            elif self.online:
                self.speech.aligned(number, at_us)

    def show(self, number: int, at_us: int) -> None:
        """Say the status of an EVSE when it is another one than before."""
        one = self.state.evses[number]
        status = self.status_of(number)
        if status != one.status:
            one.status = status
            if self.online:
                self.speech.status(number, at_us)

    def status_of(self, number: int) -> str:
        """The status in OCPP 1.6's words, the richer ones."""
        one = self.state.evses[number]
        if one.tx is not None:
            return one.tx.state if one.tx.state != "EVConnected" else "Preparing"
        if not self.is_open(number):
            return "Unavailable"
        if one.car is not None:
            return "Finishing" if one.done else "Preparing"
        if one.waiting is not None:
            return "Preparing"
        return "Reserved" if one.reserved else "Available"

    # The wire

    def say(self, action: str, payload: dict[str, Any], *, tx: str = "", evse: int = 0, kept: bool = False) -> None:
        """Put a CALL into the queue; one that is not kept is only said while connected."""
        if kept or self.online:
            self.state.queue.append(self.call_of(action, payload, tx=tx, evse=evse, kept=kept))
            del self.state.queue[:-QUEUE_MAX]

    def call_of(self, action: str, payload: dict[str, Any], *, tx: str = "", evse: int = 0, kept: bool = False) -> Said:
        """A CALL with an id that this station never used."""
        self.state.count += 1
        return Said(f"{self.state.boots:x}-{self.state.count:x}", action, payload, kept, tx, evse)

    @property
    def has_kept(self) -> bool:
        """Whether it has something of a transaction still to tell."""
        return any(one.kept for one in self.state.queue)

    def connected(self, at_us: int) -> None:
        """The central system accepted it: it tells how everything stands, then what it could not send."""
        self.online = True
        waiting, self.state.queue = [one for one in self.state.queue if one.kept], []
        for number in self.evses:
            self.speech.status(number, at_us)
        self.state.queue += waiting

    def disconnected(self) -> None:
        """Its connection is gone: what need not be kept is forgotten; a driver without an answer holds the card again."""
        self.online = False
        for one in self.state.evses.values():
            if one.car is not None and one.tx is None:
                one.car.asked = False
        self.state.queue = [one for one in self.state.queue if one.kept]

    def kept(self) -> bytes:
        """All it remembers, as JSON."""
        return msgspec.json.encode(self.state)
