"""A session that ended, and where its energy came from, make its receipt. Pure."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dure.core.events import Decision, Event, Evidence
from dure.core.text import Text
from dure.core.time import Interval, day_of
from dure.services.charging.model import SERVICE
from dure.services.charging.pricing.factors import factor_on
from dure.services.charging.pricing.pricing import priced
from dure.services.charging.pricing.receipt import METHOD, OriginShare, Receipt, readings_digest, settlement_id
from dure.services.charging.pricing.running_cost import Books, charged_of, list_of

if TYPE_CHECKING:
    from dure.services.charging.model import Site
    from dure.services.charging.pricing.prices import Member
    from dure.services.charging.sessions.model import Session
    from dure.services.charging.sessions.registers import Counted

SETTLED = "charging.session.settled"


class Settling(msgspec.Struct, frozen=True, kw_only=True):
    """What a session is settled by.

    Attributes
    ----------
    origin : Wh by origin; None where the ledger does not know it: all of it is then from the grid
    left_at : until when its vehicle stayed after the end, as far as that is charged
    last : the receipt before with its digest, if there is one; why : this one corrects it
    """

    session: Session
    series: Counted
    site: Site | None
    member: Member
    origin: OriginShare | None
    books: Books
    folder: Path | None
    session_version: str
    left_at: datetime | None = None
    last: tuple[Receipt, str] | None = None
    why: str = ""


def receipt_of(by: Settling, at: datetime) -> Receipt:
    """The receipt of a session.

    Raises
    ------
    InputError, ConfigError : what `priced` refuses, and ``rules.not_in_force``
    """
    session, books = by.session, by.books
    origin = by.origin or OriginShare(grid_wh=session.energy_wh)
    charged = msgspec.structs.replace(
        charged_of(session, by.series, by.site, by.member, by.left_at), renewable_wh=origin.renewable_wh
    )
    prices = list_of(by.site, books, session.started_at)
    cost = priced(charged, prices, books.tariffs)
    ended_at = session.ended_at or session.started_at
    factor = factor_on(day_of(ended_at, books.tariffs.zone), folder=by.folder)
    return Receipt(
        session=session.id,
        n=by.last[0].n + 1 if by.last else 1,
        made_at=at,
        site=session.site,
        site_name=by.site.name if by.site else Text(session.site),
        charger=session.charger,
        evse=session.evse,
        evse_name=_evse_name(by.site, session.evse),
        started_at=session.started_at,
        ended_at=ended_at,
        energy_wh=session.energy_wh,
        returned_wh=session.returned_wh,
        trust=session.trust,
        reasons=tuple(session.facts.get("reasons", ())),
        readings_sha256=readings_digest(by.series),
        origin=origin,
        price=cost.price,
        price_name=prices.name,
        member=cost.member,
        lines=cost.lines,
        won=cost.won,
        co2e_g=factor.g_of(origin.from_grid_wh),
        all_grid_g=factor.g_of(session.energy_wh),
        factor=factor,
        bases=cost.bases,
        versions={
            "method": METHOD,
            "prices": f"{books.prices.pack.id}@{books.prices.pack.version}",
            "tariffs": f"{books.tariffs.pack.id}@{books.tariffs.pack.version}",
            "sessions": by.session_version,
        },
        left_at=by.left_at,
        before=by.last[1] if by.last else "",
        why=by.why,
    )


def _evse_name(site: Site | None, evse: str) -> Text:
    found = next((one for one in site.evses if one.id == evse), None) if site else None
    return found.name if found else Text(evse)


def settled_event(receipt: Receipt, digest: str) -> Event:
    """A session was settled, or a settlement corrected: evidence of its energy and emissions for the ledger."""
    ident = settlement_id(receipt)
    claims = [
        _evidence(ident, receipt, quantity, unit)
        for quantity, unit in ((receipt.energy_wh, "Wh"), (receipt.co2e_g, "gCO2e"), (receipt.won, "KRW"))
        if quantity
    ]
    data: dict[str, Any] = {
        "session": receipt.session,
        "settlement": receipt.n,
        "site": receipt.site,
        "started_at": receipt.started_at,
        "ended_at": receipt.ended_at,
        "trust": receipt.trust,
        "energy_wh": receipt.energy_wh,
        "origin": receipt.origin,
        "won": receipt.won,
        "co2e_g": receipt.co2e_g,
        "factor": receipt.factor.rule,
        "provisional": receipt.provisional,
        "corrects": receipt.before,
        "sha256": digest,
        "evidence": claims,
    }
    return Event(
        id=ident, type=SETTLED, source=f"dure/{SERVICE}", time=receipt.made_at, subject=receipt.evse or receipt.charger,
        data=msgspec.to_builtins(data),
    )  # fmt: skip


def _evidence(ident: str, receipt: Receipt, quantity: int, unit: Any) -> Evidence:
    return Evidence(
        event=ident,
        quantity=quantity,
        unit=unit,
        interval=Interval(receipt.started_at, receipt.ended_at),
        readings_sha256=receipt.readings_sha256,
        method=METHOD,
        factors=(receipt.factor.rule,) if unit == "gCO2e" else (),
    )


def settled_decision(receipt: Receipt, digest: str) -> Decision:
    """What a settlement saw and came to, for ``dure explain``."""
    return Decision(
        id=settlement_id(receipt),
        kind="charging.session.settlement",
        decided_at=receipt.made_at,
        inputs=msgspec.to_builtins(
            {
                "session": receipt.session,
                "energy_wh": receipt.energy_wh,
                "readings_sha256": receipt.readings_sha256,
                "origin": receipt.origin,
                "member": receipt.member,
                "price": receipt.price,
                "factor": receipt.factor,
            }
        ),
        result=msgspec.to_builtins({"won": receipt.won, "lines": receipt.lines, "co2e_g": receipt.co2e_g, "sha256": digest}),
        reasons=(
            *receipt.reasons,
            *(() if receipt.origin.known else ("origin_unknown",)),
            *((receipt.why,) if receipt.why else ()),
        ),
        versions=receipt.versions,
    )
