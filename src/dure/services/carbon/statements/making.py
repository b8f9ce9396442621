"""A figure and its parts, put together. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dure.core.text import Text
from dure.services.carbon.statements.statement import Figure, FigureUnit, Group, Part, digest_of


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with all it is made of.

    Attributes
    ----------
    again : its amount once more, another way: the sum of the parts where it is a sum; None where nothing else says it
    """

    figure: Figure
    parts: tuple[Part, ...] = ()
    again: int | None = None

    @property
    def agrees(self) -> bool:
        """Whether both ways give the same."""
        return self.again is None or self.again == self.figure.amount


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """What a row is, without its amount."""

    group: Group
    unit: FigureUnit
    name: Text
    method: str = ""
    mark: str = ""


def summed(row: str, kind: Kind, amount: int, parts: Sequence[Part]) -> Made:
    """A figure that is the sum of its parts of the same unit."""
    again = sum(one.amount for one in parts if one.unit == kind.unit)
    return made(row, kind, amount, parts, again=again)


def made(row: str, kind: Kind, amount: int, parts: Sequence[Part] = (), *, again: int | None = None) -> Made:
    """A figure that is known."""
    figure = Figure(
        row=row, group=kind.group, name=kind.name, amount=amount, unit=kind.unit, mark=kind.mark, method=kind.method,
        parts_n=len(parts), parts_sha256=digest_of(parts) if parts else "",
    )  # fmt: skip
    return Made(figure=figure, parts=tuple(parts), again=again)


def unknown(row: str, kind: Kind, why: Text) -> Made:
    """A figure that is not known, and why."""
    return Made(figure=Figure(row=row, group=kind.group, name=kind.name, amount=None, unit=kind.unit, mark=kind.mark, why=why))


def by_row(found: Sequence[Made]) -> Mapping[str, Made]:
    """By name of the row."""
    return {one.figure.row: one for one in found}
