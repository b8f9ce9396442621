"""A bag of recyclables on a scale: what a weighing says, and why it cannot count. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal

import msgspec

from dure.core.errors import InputError
from dure.core.events import Event, Evidence
from dure.core.observations import Flag, Observation
from dure.core.time import Interval, format_instant, from_us, to_us
from dure.services.carbon.model import SERVICE

Material = Literal["paper", "plastic", "can_aluminium", "can_steel", "glass"]
RECORDED = "carbon.weighing.recorded"
UNDONE = "carbon.weighing.undone"
METHOD = "carbon.weighing/1"
PROPERTY = "weighed_mass"
GRAMS_KG = 1_000
WEIGHING_US = 1_000_000  # a weighing is a second long, so that it has an interval

State = Literal["kept", "undone"]


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """One bag as weighed.

    Attributes
    ----------
    bag : its QR code; scale : asset that weighed it; material : what is in it
    holder : whose grams they are
    mass_g : as the scale said [g]; readings_sha256 : digest of that reading
    """

    id: str
    bag: str
    scale: str
    material: Material
    holder: str
    mass_g: int
    weighed_at: datetime
    readings_sha256: str
    state: State = "kept"


def weighing_id(bag: str, scale: str, at: datetime) -> str:
    """Id of a weighing: the same bag on the same scale at the same instant is the same one."""
    return "wgh-" + hashlib.sha256(f"{bag}\n{scale}\n{to_us(at)}".encode()).hexdigest()[:20]


def mass_of(reading: Observation | None) -> int:
    """Whole grams that a reading of a scale says.

    Raises
    ------
    InputError : ``weighing.no_reading``, ``weighing.doubtful`` (anything but a good value), ``weighing.empty``
    """
    if reading is None or reading.value is None:
        raise InputError("weighing.no_reading", "The scale told no mass at that instant. Send its reading first.")
    if reading.flag is not Flag.GOOD:
        raise InputError("weighing.doubtful", "What the scale said then is not trusted; weigh the bag again.")
    grams = round(reading.value * GRAMS_KG)
    if grams <= 0:
        raise InputError("weighing.empty", "The scale says that there is nothing on it.")
    return grams


def words_of(reading: Observation) -> str:
    """The reading a weighing rests on, as its digest is made of it."""
    return f"{reading.asset},{reading.property},{format_instant(reading.phenomenon_time)},{reading.value!r}"


def digest_of(reading: Observation) -> str:
    """Digest of the reading a weighing rests on."""
    return hashlib.sha256(words_of(reading).encode()).hexdigest()


def recorded_event(one: Weighing, reading: Observation, at: datetime) -> Event:
    """A bag was weighed, with evidence in grams and the reading itself."""
    span = Interval(one.weighed_at, from_us(to_us(one.weighed_at) + WEIGHING_US))
    evidence = Evidence(
        event=one.id, quantity=one.mass_g, unit="g", interval=span, readings_sha256=one.readings_sha256, method=METHOD
    )
    data: dict[str, Any] = {
        "bag": one.bag,
        "scale": one.scale,
        "material": one.material,
        "holder": one.holder,
        "weighed_at": format_instant(one.weighed_at),
        "readings": [words_of(reading)],
        "evidence": [msgspec.to_builtins(evidence)],
    }
    return Event(id=one.id, type=RECORDED, source=f"dure/{SERVICE}", time=max(at, span.end), subject=one.scale, data=data)


def undone_event(one: Weighing, at: datetime) -> Event:
    """A weighing was taken back: what followed from it no longer holds."""
    data = {"undoes": one.id, "bag": one.bag, "scale": one.scale}
    return Event(id=f"undone-{one.id}", type=UNDONE, source=f"dure/{SERVICE}", time=at, subject=one.scale, data=data)
