"""What a person does and how it is proved: the nouns of practices."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from dure.services.carbon.practising.catalogue import ProofKind

ActState = Literal["started", "doubtful", "awarded", "refused", "withdrawn", "expired"]
OPEN: tuple[ActState, ...] = ("started", "doubtful")
COUNTING: tuple[ActState, ...] = ("doubtful", "awarded")  # what limits count: reserved or paid


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One thing somebody does.

    Attributes
    ----------
    person : account id, personal; never in the books
    quantity : in base units (pieces, g, m); won, grams : as claimed [KRW, gCO2e]
    done_at, end_at : when it was done, ``[done_at, end_at)``; None until it is proved
    code : why it stands as it does, of `reasons.REASONS`; note : what a person wrote
    facts : what the proof said, for who decides
    """

    id: str
    person: str
    practice: str
    scheme: str
    programme: str
    state: ActState
    started_at: datetime
    proof: str = ""
    once: str | None = None
    quantity: int = 0
    won: int = 0
    grams: int = 0
    claim: str | None = None
    code: str = ""
    note: str = ""
    place: str = ""
    done_at: datetime | None = None
    end_at: datetime | None = None
    proved_at: datetime | None = None
    decided_at: datetime | None = None
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A proof whose sender is known: signature, code, weighing or picture were read.

    Attributes
    ----------
    done_at, end_at : when it was done; of an instant both are the same
    quantity : in base units
    once : what it is worth only once, for all people; with a person in it where everybody has their own
    place, lat, lon : where, when that is known
    code : why it must be refused or looked at, when reading it showed that
    facts : what it said, without personal data
    """

    kind: ProofKind
    done_at: datetime
    quantity: int
    once: str
    end_at: datetime | None = None
    place: str = ""
    lat: float | None = None
    lon: float | None = None
    code: str = ""
    facts: dict[str, Any] = {}  # msgspec copies an empty default for every instance

    @property
    def until(self) -> datetime:
        """When it ended."""
        return self.end_at or self.done_at
