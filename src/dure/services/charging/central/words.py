"""What stations said, in words that do not depend on the version of OCPP; the journal keeps them and everything else follows.

Each word names its station by its asset id (`charger`) and tells two times where they differ: `at_us`, by the station's clock,
and `heard_us`, by ours [us since 1970 UTC]. Statuses and reasons are OCPP 2.0.1's words; those of 1.6 are mapped to them and kept
in `detail`.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Status = Literal["available", "occupied", "reserved", "unavailable", "faulted"]
Step = Literal["started", "updated", "ended"]


class Sample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One sampled value of a meter, in Wh, W, A, V, Hz or a fraction, as a whole or per phase.

    Attributes
    ----------
    measurand : OCPP's: ``Energy.Active.Import.Register``, ``Power.Active.Import``, ``SoC``, …
    context : OCPP's: ``Sample.Periodic``, ``Sample.Clock``, ``Transaction.Begin``, …
    location : OCPP's: ``Outlet``, ``Inlet``, ``Body``, ``Cable``, ``EV``
    signed : signed meter data as it came, empty if none
    """

    at_us: int
    measurand: str
    value: float
    phase: str = ""
    context: str = "Sample.Periodic"
    location: str = "Outlet"
    signed: str = ""


class Linked(msgspec.Struct, frozen=True, tag="linked"):
    """A station is connected."""

    charger: str
    version: str
    heard_us: int


class Unlinked(msgspec.Struct, frozen=True, tag="unlinked"):
    """A station's connection ended."""

    charger: str
    heard_us: int
    why: str = ""


class Booted(msgspec.Struct, frozen=True, tag="booted"):
    """A station told what it is, and what it was answered (accepted, pending, rejected)."""

    charger: str
    version: str
    heard_us: int
    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""
    reason: str = ""
    answer: str = "accepted"


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """A station is alive. Kept at most once a minute."""

    charger: str
    heard_us: int


class StatusSaid(msgspec.Struct, frozen=True, tag="status"):
    """The status of an EVSE; number 0 is the station itself."""

    charger: str
    evse: int
    status: Status
    at_us: int
    heard_us: int
    connector: int = 1
    detail: str = ""  # 1.6: Preparing, Charging, SuspendedEV, SuspendedEVSE, Finishing, …
    error: str = ""
    vendor_error: str = ""
    info: str = ""


class TransactionSaid(msgspec.Struct, frozen=True, tag="transaction"):
    """A step of a transaction.

    Attributes
    ----------
    transaction : the station's id of it, or ours in 1.6, as text
    seq_no : the station's number of the step; -1 in 1.6
    token : digest of the id token, never the token itself
    allowed : whether the token was good when it was asked
    offline : the station says it happened while it was not connected
    begin_wh, end_wh : the registers of 1.6's StartTransaction and StopTransaction; 2.x tells them as samples
    """

    charger: str
    transaction: str
    step: Step
    at_us: int
    heard_us: int
    evse: int = 0
    connector: int = 1
    seq_no: int = -1
    token: str = ""
    allowed: bool = True
    trigger: str = ""
    charging_state: str = ""
    stopped_reason: str = ""
    offline: bool = False
    reservation: int = 0
    remote_start: int = 0
    begin_wh: int | None = None
    end_wh: int | None = None
    samples: tuple[Sample, ...] = ()


class Sampled(msgspec.Struct, frozen=True, tag="sampled"):
    """Meter values outside TransactionEvent: 1.6's MeterValues (with a transaction or without), clock-aligned ones."""

    charger: str
    evse: int
    heard_us: int
    samples: tuple[Sample, ...]
    transaction: str = ""


class Happened(msgspec.Struct, frozen=True, tag="happened"):
    """Everything else worth keeping: security events, firmware and log states, reports, certificates, costs, refusals."""

    charger: str
    topic: str
    at_us: int
    heard_us: int
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


Word = Linked | Unlinked | Booted | Seen | StatusSaid | TransactionSaid | Sampled | Happened
