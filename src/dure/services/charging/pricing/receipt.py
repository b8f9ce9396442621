"""What a session came to: energy by origin, won by line, gCO2e by a dated factor, and the digest that seals it. Pure.

A receipt never changes. A correction is a further receipt with the next number that names the digest of the one before, so a
driver, a city and an auditor see the same chain. The digest is the SHA-256 of the receipt's JSON with sorted keys and no spaces.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from dure.core.text import Text
from dure.core.time import to_us
from dure.services.charging.pricing.factors import Factor
from dure.services.charging.pricing.pricing import Line
from dure.services.charging.rules import Basis
from dure.services.charging.sessions.model import Trust
from dure.services.charging.sessions.registers import Counted

METHOD = "dure/charging/settlement/1"


class OriginShare(msgspec.Struct, frozen=True, kw_only=True):
    """Energy of a session by origin [Wh]; `known` False: the ledger could not say it in time, so all of it is from the grid."""

    pv_wh: int = 0
    ess_pv_wh: int = 0
    ess_grid_wh: int = 0
    grid_wh: int = 0
    known: bool = False

    @property
    def wh(self) -> int:
        """All of it."""
        return self.pv_wh + self.ess_pv_wh + self.ess_grid_wh + self.grid_wh

    @property
    def renewable_wh(self) -> int:
        """From the sun, directly or through storage."""
        return self.pv_wh + self.ess_pv_wh

    @property
    def from_grid_wh(self) -> int:
        """From the grid, directly or through storage."""
        return self.ess_grid_wh + self.grid_wh


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A session as settled, for the `n`-th time.

    Attributes
    ----------
    readings_sha256 : digest of the register reads its energy was counted from
    co2e_g : of the part from the grid; all_grid_g : of all of it, had it come from the grid
    left_at : until when its vehicle stayed after the end, as far as that was charged; None where nobody saw it stay
    bases : the rules it rests on; before : digest of the receipt it corrects, empty for the first; why : it was corrected
    """

    session: str
    n: int
    made_at: datetime
    site: str
    site_name: Text
    charger: str
    evse: str
    evse_name: Text
    started_at: datetime
    ended_at: datetime
    energy_wh: int
    returned_wh: int
    trust: Trust
    reasons: tuple[str, ...]
    readings_sha256: str
    origin: OriginShare
    price: str
    price_name: Text
    member: str
    lines: tuple[Line, ...]
    won: int
    co2e_g: int
    all_grid_g: int
    factor: Factor
    bases: tuple[Basis, ...]
    versions: dict[str, str]
    left_at: datetime | None = None
    before: str = ""
    why: str = ""

    @property
    def provisional(self) -> bool:
        """Whether a screen must say "to be confirmed"."""
        return self.factor.provisional or any(one.provisional for one in self.bases)


def text_of(receipt: Receipt) -> str:
    """The bytes that are sealed."""
    return msgspec.json.encode(receipt, order="sorted").decode()


def digest_of(text: str) -> str:
    """Its seal."""
    return hashlib.sha256(text.encode()).hexdigest()


def read(text: str) -> Receipt:
    """A receipt of its text."""
    return msgspec.json.decode(text, type=Receipt)


def readings_digest(series: Counted) -> str:
    """Digest of what a session was counted from."""
    return hashlib.sha256(msgspec.json.encode([series.at_us, series.total_wh])).hexdigest()


def same_but_for_its_making(one: Receipt, other: Receipt) -> bool:
    """Whether two receipts say the same, whenever and as the how-manieth they were made."""
    plain = {"n": 0, "made_at": one.made_at, "before": "", "why": ""}
    return msgspec.structs.replace(one, **plain) == msgspec.structs.replace(other, **plain)


def faults_of(chain: list[tuple[str, str]]) -> tuple[str, ...]:
    """What is wrong with the receipts of a session, given as (text, digest) in their order; empty when all is well.

    ``digest``: a receipt is not what was sealed; ``order``: a number is missing; ``chain``: it does not name the one before;
    ``sum``: lines or origins do not add up.
    """
    faults: list[str] = []
    before = ""
    for number, (text, digest) in enumerate(chain, 1):
        if digest_of(text) != digest:
            faults.append("digest")
        try:
            receipt = read(text)
        except msgspec.DecodeError:
            return tuple(dict.fromkeys([*faults, "digest"]))
        if receipt.n != number:
            faults.append("order")
        if receipt.before != before:
            faults.append("chain")
        if receipt.won != sum(one.won for one in receipt.lines) or receipt.origin.wh != receipt.energy_wh:
            faults.append("sum")
        before = digest
    return tuple(dict.fromkeys(faults))


def settlement_id(receipt: Receipt) -> str:
    """Id of its event and its decision."""
    return f"settled-{receipt.session}-{receipt.n}"


def duration_s(receipt: Receipt) -> int:
    """How long the session was [s]."""
    return (to_us(receipt.ended_at) - to_us(receipt.started_at)) // 1_000_000
