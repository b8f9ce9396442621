"""``carbon/statement/ID/ROW``: a row of an issued statement, drawn up again from the records as of its instant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of, format_instant
from dure.services.carbon.claiming.explanation import Explanation, InputTold, Link, Part
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.statements import statement_records
from dure.services.carbon.statements.drawing_up import drawn_up
from dure.services.carbon.statements.standards import standards

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from dure.services.carbon.statements import statement as told
    from dure.services.carbon.statements.making import Made
    from dure.spine.house import House

SHOWN = 200
PAGE = "/partners/statements"
HOW = Text(
    "기록을 기준 시각으로 되돌려 보고서를 처음부터 다시 만들고, 이 줄을 이루는 것을 다시 더했습니다.",
    "The statement was drawn up anew from the records as of its instant, and what this row is made of was summed again.",
)


def statement_figure(house: House, connection: Connection, words: tuple[str, ...]) -> Explanation:
    """A row of an issued statement.

    Raises
    ------
    NotFound : ``figure.unknown``, ``statement.unknown``
    """
    if len(words) != 2:  # statement, row
        raise NotFound("figure.unknown", "A row of a statement is named carbon/statement/ID/ROW.")
    kept = statement_records.statement(connection, words[0])
    figure = kept.figure(words[1])
    if figure is None:
        raise NotFound("figure.unknown", f"Statement {kept.id} has no row {words[1][:40]!r}.")
    rules = activity_rules(day_of(kept.question.as_of, house.city.zone), house.city.folder)
    again = drawn_up(house, connection, kept.question, standards(kept.question.first, house.city.folder))
    made = again.rows.get(figure.row)
    amount, now = figure.amount, made.figure.amount if made else None
    notes = [figure.why] if figure.why.ko else []
    if amount is None:
        notes.append(Text("알지 못하는 값이라 비워 두었습니다.", "It is not known, and left empty."))
    if figure.mark:
        notes.append(Text("아직 시행되지 않은 개정 초안에 따른 값입니다.", "By a draft revision that is not in force."))
    return Explanation(
        figure=f"carbon/statement/{kept.id}/{figure.row}",
        name=Text(f"{kept.name.ko}: {figure.name.ko}", f"{kept.name('en')}: {figure.name('en')}"),
        amount=amount or 0,
        again=now or 0,
        unit=figure.unit,
        known=amount is not None,
        agrees=amount == now and made is not None and made.agrees and made.figure == figure,
        how=HOW,
        inputs=tuple(_inputs(made)),
        parts=tuple(_parts(kept.id, made, {one.id: one.name for one in rules.kinds.values()})),
        links=(Link(name=Text("이 보고서", "This statement"), path=f"{PAGE}/{kept.id}"),),
        notes=tuple(notes),
        readings_sha256=figure.parts_sha256,
        versions={"method": figure.method or "-", "as_of": format_instant(kept.question.as_of)},
    )


def _name(one: told.Part, kinds: Mapping[str, Text]) -> Text:
    """A row of activity data is kept by the id of its kind; people read the kind's name."""
    word, _, rest = one.name.ko.partition(" ")
    kind = kinds.get(word)
    return one.name if kind is None else Text(f"{kind.ko} {rest}", f"{kind('en')} {rest}")


def _parts(ident: str, made: Made | None, kinds: Mapping[str, Text]) -> list[Part]:
    """What can be asked further: figures of their own, the largest first."""
    known = [one for one in (made.parts if made else ()) if one.figure.startswith(("carbon/", "row:"))]
    return [
        Part(figure=_figure(ident, one), name=_name(one, kinds), amount=one.amount, unit=one.unit, note=one.note)
        for one in sorted(known, key=lambda one: -one.amount)[:SHOWN]
    ]


def _figure(ident: str, one: told.Part) -> str:
    return one.figure if one.figure.startswith("carbon/") else f"carbon/statement/{ident}/{one.figure.removeprefix('row:')}"


def _inputs(made: Made | None) -> list[InputTold]:
    """Transfers of the ledger, which are no figures."""
    plain = [one for one in (made.parts if made else ()) if not one.figure.startswith(("carbon/", "row:"))]
    return [
        InputTold(name=one.figure, exact=str(one.amount), value=float(one.amount), origin="ledger", unit=one.unit)
        for one in plain[:SHOWN]
    ]
