"""What a claim tells outside: its entries of the log, its events, and its decision for ``dure explain``. Pure.

Nothing here names a person: a holder is a commitment, and who decided stands in the audit log only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from dure import __version__
from dure.core.events import Decision, Event
from dure.core.time import format_instant
from dure.services.carbon.claiming.working import Working
from dure.services.carbon.model import SERVICE, Claim
from dure.services.carbon.transparency.entry import Entry

KIND = "carbon_claim"
SOURCE = f"dure/{SERVICE}"
TYPES = {
    "reserved": "carbon.claim.reserved",
    "awarded": "carbon.claim.awarded",
    "refused": "carbon.claim.refused",
    "cancelled": "carbon.claim.withdrawn",
    "retired": "carbon.claim.retired",
}


def claim_body(claim: Claim, working: Working | None) -> dict[str, Any]:
    """What the log says of a claim when it is made: all of it, and the arithmetic with every input."""
    words = dict(msgspec.to_builtins(claim))
    words["made_at"] = format_instant(claim.made_at)
    words["factors"] = list(claim.factors)
    words["stretches"] = [
        {"source": one.source, "attribute": one.attribute, "start": format_instant(one.start), "end": format_instant(one.end)}
        for one in claim.stretches
    ]
    return words if working is None else words | {"formula": working.leaf()}


def made_entry(claim: Claim, working: Working | None) -> Entry:
    """A claim was made."""
    return Entry(kind="claim", id=claim.id, at=claim.made_at, body=claim_body(claim, working))


def moved_entry(claim: Claim, at: datetime, *, by_person: bool) -> Entry:
    """A claim came to another state."""
    body = {
        "claim": claim.id,
        "state": claim.state,
        "reason": claim.reason,
        "grams": claim.grams,
        "won": claim.won,
        "by_person": by_person,
    }
    return Entry(kind="decision", id=f"{claim.id}/{claim.state}", at=at, body=body)


def event_of(claim: Claim, at: datetime) -> Event:
    """A claim came to a state: what, how much, and for whom."""
    words = msgspec.to_builtins(claim)
    data = {name: words[name] for name in _TOLD} | {"claim": claim.id}
    return Event(
        id=f"{claim.id}-{claim.state}", type=TYPES[claim.state], source=SOURCE, time=at, subject=_asset(claim), data=data
    )


_TOLD = (
    "event", "programme", "holder", "tier", "quantity", "unit", "grams", "point_grams", "won", "method", "stretches", "reason",
)  # fmt: skip


def decision_of(claim: Claim, working: Working | None, reasons: tuple[str, ...]) -> Decision:
    """How a claim was judged when it was made."""
    inputs: dict[str, Any] = {"event": claim.event, "readings_sha256": claim.readings_sha256}
    if working is not None:
        inputs |= {"inputs": working.inputs, "sources": working.sources, "decision": working.decision}
    return Decision(
        id=claim.id,
        kind=KIND,
        decided_at=claim.made_at,
        inputs=inputs,
        result={
            "state": claim.state,
            "grams": claim.grams,
            "point_grams": claim.point_grams,
            "tier": claim.tier,
            "reason": claim.reason,
        },
        reasons=reasons,
        versions={"dure": __version__, "method": claim.method},
    )


def _asset(claim: Claim) -> str:
    """The thing measured: the second word of the path of its first source."""
    words = claim.stretches[0].source.split("/") if claim.stretches else []
    return words[1] if len(words) > 1 and words[0] in {"building", "charging"} else ""
