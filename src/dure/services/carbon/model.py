"""The nouns of the carbon ledger that all its parts share."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from dure.core.assets import AssetKind
from dure.core.properties import Property
from dure.core.text import Text

SERVICE = "carbon"

Unit = Literal["gCO2e", "KRW"]
# A verified tonnes, which may be retired; B estimated tonnes, statistics only; C participation, no tonnes. Never summed.
Tier = Literal["A", "B", "C"]
# What of an event is claimed. One kWh may save energy and be renewable: two attributes, each claimed once.
Attribute = Literal["energy_saving", "renewable", "avoided_fuel", "generation", "recycled_mass", "practice"]
State = Literal["waiting", "reserved", "awarded", "refused", "retired", "cancelled"]

CITY = "city"  # holder of what no company or person holds


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """Of which source, which attribute, over which time ``[start, end)``: two claims of one programme or of two must not overlap.

    Attributes
    ----------
    source : what was measured, as a path: ``building/bd-1``, ``charging/cs-1/pv-to-ev``, ``practice/tumbler/REF``
    attribute : what of it is claimed
    """

    source: str
    attribute: Attribute
    start: datetime
    end: datetime


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on the books: what was measured or proved, by which method, what it is worth, and how far it has come.

    Attributes
    ----------
    id : ``clm-`` and 20 hex digits of the digest of event, method, programme and attribute: the same claim made twice is one
    event : id of the event (or decision) it rests on
    stretches : what it takes; no other claim may take any of it
    programme : id of the programme row (rules/programmes.toml) it is made in
    holder : who holds its grams: ``city``, ``company/ID``, ``person/REF`` (a salted commitment, never a name)
    tier : A, B or C; grams of a C are 0
    quantity, unit : of the evidence, whole
    grams : credited [gCO2e], the lower bound of the one-sided 90 % interval after deductions, whole, rounded down
    point_grams : best estimate before deductions [gCO2e], for statistics
    won : the reward [KRW], 0 without one
    method : ``id@version``
    factors : ids of the factor rows
    readings_sha256 : digest of the readings under it, as the evidence has it
    made_at, state, reason : reason is the code of a refusal or cancellation, else empty
    """

    id: str
    event: str
    stretches: tuple[Stretch, ...]
    programme: str
    holder: str
    tier: Tier
    quantity: int
    unit: str
    grams: int
    point_grams: int
    won: int
    method: str
    factors: tuple[str, ...]
    readings_sha256: str
    made_at: datetime
    state: State = "waiting"
    reason: str = ""


class Refused(msgspec.Struct, frozen=True):
    """Why the books, a method or a rule say no: a stable code, and the reason in both languages."""

    code: str
    reason: Text


# What a scale of a recycling shop says of a bag; a reading for each weighing, no rhythm.
PROPERTIES: tuple[Property, ...] = (
    Property(
        id="weighed_mass",
        name=Text("잰 무게", "Mass as weighed"),
        unit="kg",
        fail_min=0.0,
        fail_max=2_000.0,
        suspect_min=0.0,
        suspect_max=150.0,
        period_s=86_400,
        decimals=3,
        source="usual platform scales take up to 150 kg (suspect), weighbridges of shops up to 2 t (fail): to be confirmed",
    ),
)
KINDS: tuple[AssetKind, ...] = (
    AssetKind("scale", Text("재활용 저울", "Recycling scale"), SERVICE, ("weighed_mass",), public=False),
)
