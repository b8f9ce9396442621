"""A claim's entry of the log as people read it: what was measured, what it came to, and where to look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dure.services.carbon.claiming import claim_records, intake_records
from dure.services.carbon.claiming.naming import measured, names_of, public_page
from dure.services.carbon.claiming.readings_links import links_to
from dure.services.carbon.pages import figure_paths
from dure.services.carbon.transparency import proof_desk

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.core.access import Actor
    from dure.core.text import Text
    from dure.services.carbon.claiming.explanation import Link
    from dure.services.carbon.model import Claim
    from dure.services.carbon.transparency.log_records import Leaf
    from dure.spine.house import House


class EntryTold(NamedTuple):
    """What an entry is about.

    Attributes
    ----------
    sealed : entries of the same claim, in order: the claim, and each decision about it
    place : the page for everybody of what was measured; empty where there is none
    links : where this reader may follow it to the readings
    """

    claim: Claim
    name: Text
    sealed: list[Leaf]
    place: str
    links: tuple[Link, ...]


def told(house: House, connection: Connection, actor: Actor, key: str) -> EntryTold | None:
    """The claim an entry ``claim/ID`` or ``decision/ID/STATE`` is about; None for entries about other things."""
    kind, _, rest = key.partition("/")
    ident = rest.partition("/")[0]
    kept = claim_records.find(connection, ident) if kind in ("claim", "decision") else None
    if kept is None:
        return None
    claim = kept.claim
    asset = measured(connection, [claim])[ident]
    public = asset is None or house.directory.is_public(asset.id)
    event = intake_records.event_of(connection, claim.event)
    return EntryTold(
        claim,
        names_of(house, connection, [claim])[ident],
        proof_desk.entries_of(connection, ident),
        public_page(claim, asset) if public else "",
        figure_paths.open_to(actor, links_to(claim, event)),
    )
