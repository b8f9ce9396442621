"""Where a figure comes from, as a value: what it is, worked out again just now, and all that it rests on."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dure.core.text import Text
from dure.services.carbon.claiming.formula import Shown

NONE = Text("")
FIGURE_CHARS_MAX = 300


class StepTold(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the arithmetic: what it is, how it is written, what it came to (exact, and as a person reads it)."""

    name: Text
    formula: str
    exact: str
    value: float
    unit: str = ""
    shows: Shown = ""


class InputTold(msgspec.Struct, frozen=True, kw_only=True):
    """One number that went in: where it came from, by which rule, and how sure that is."""

    name: str
    exact: str
    value: float
    origin: str
    source: str = ""
    mark: str = ""
    unit: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A figure this one is made of; one that is not `known` counts nothing, and `note` is the code of why."""

    figure: str
    name: Text
    amount: int
    unit: str
    note: str = ""
    known: bool = True


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look further: the service's own explanation, readings, the proof; a path without language."""

    name: Text
    path: str


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a figure comes from.

    Attributes
    ----------
    amount : as booked [unit]; again : as it comes out now; agrees : whether both are the same, and so of every part
    known : False where nobody can say how much it is: `amount` is 0 then and stands for nothing
    how : in a sentence, what was done to find out
    """

    figure: str
    name: Text
    amount: int
    again: int
    unit: str
    agrees: bool
    known: bool = True
    how: Text = NONE
    steps: tuple[StepTold, ...] = ()
    inputs: tuple[InputTold, ...] = ()
    parts: tuple[Part, ...] = ()
    links: tuple[Link, ...] = ()
    notes: tuple[Text, ...] = ()
    readings_sha256: str = ""
    versions: Mapping[str, str] = {}  # msgspec copies an empty default for every instance
