"""How the grams of a claim were worked out: steps, inputs and where each input came from; kept with the claim and in the log."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from dure.services.carbon.claiming.formula import LANGUAGE, Result, Step, run
from dure.services.carbon.model import Refused


class Working(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to work a claim out again.

    Attributes
    ----------
    steps, inputs : of the formula; inputs as exact numbers in text
    sources : where each input came from: ``event:PATH``, ``factor:ROW@PACK``, ``rule:PACK/TABLE/ROW``
    event_type, subject : of the event; decision : id of what the service decided, to look further
    on, as_of : the day the factors hold for, and the day they are known on
    provisional : rules among the sources that are to be confirmed
    readings : what the claim's digest of readings is made of, where the event lists it: digests, or the readings themselves
    """

    steps: tuple[Step, ...]
    inputs: dict[str, str]
    sources: dict[str, str] = {}  # msgspec copies an empty default for every instance
    event_type: str = ""
    subject: str = ""
    decision: str = ""
    on: date | None = None
    as_of: date | None = None
    provisional: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()
    language: str = LANGUAGE

    def again(self) -> Result | Refused:
        """Work it out again."""
        return run(self.steps, self.inputs)

    def leaf(self) -> dict[str, Any]:
        """What the log keeps of it: only what arithmetic needs, in words any program reads."""
        return {
            "language": self.language,
            "inputs": dict(self.inputs),
            "sources": dict(self.sources),
            "steps": [{"out": one.out, "do": one.do, "of": list(one.of)} for one in self.steps],
        }
