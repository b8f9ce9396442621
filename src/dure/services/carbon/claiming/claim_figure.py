"""``carbon/claim/ID``: a claim worked out again from its event, or from its kept inputs where the event is no longer kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from dure.core.text import Text
from dure.core.time import day_of
from dure.emissions.packs import load_factors
from dure.engines.records.tables_carbon_ledger import carbon_transfers as transfers
from dure.services.carbon.claiming import claim_records, intake_records, methods
from dure.services.carbon.claiming.assessing import Asking, Assessed, assessed
from dure.services.carbon.claiming.explanation import Explanation, InputTold, StepTold
from dure.services.carbon.claiming.formula import Result, spelled
from dure.services.carbon.claiming.naming import method_named
from dure.services.carbon.claiming.readings_links import links_to
from dure.services.carbon.model import Refused
from dure.services.carbon.practising.catalogue import grams_rule
from dure.services.carbon.programmes import programmes

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.core.events import Event
    from dure.services.carbon.claiming.claim_records import Kept
    from dure.services.carbon.claiming.working import Working
    from dure.spine.house import House

BOOKED = ("awarded", "retired")


class _Again(NamedTuple):
    """What a claim comes to now, how that was found, and whether the inputs were the same."""

    grams: int
    result: Result | None
    how: Text
    same: bool


def claim_figure(house: House, connection: Connection, ident: str) -> Explanation:
    """A claim, unfolded; NotFound ``claim.unknown``."""
    kept = claim_records.get(connection, ident)
    claim, event = kept.claim, intake_records.event_of(connection, kept.claim.event)
    again = _again(house, kept, event)
    booked, on_books = claim.grams, _on_books(connection, ident)
    agrees = again.same and again.grams == booked and (claim.state not in BOOKED or on_books == booked)
    notes = [kept.why] if kept.why.ko else []
    if claim.state in BOOKED and on_books != booked:
        notes.append(Text(f"장부에는 {on_books:,} g이 있습니다.", f"The books hold {on_books:,} g."))
    return Explanation(
        figure=f"carbon/claim/{ident}",
        name=method_named(claim.method, day_of(claim.made_at, house.city.zone), house.city.folder),
        amount=booked,
        again=again.grams,
        unit="gCO2e",
        agrees=agrees,
        how=again.how,
        steps=_steps(kept.working, again.result),
        inputs=_inputs(house, kept.working, again.result),
        links=links_to(claim, event),
        notes=tuple(notes),
        readings_sha256=claim.readings_sha256,
        versions={"method": claim.method} | ({} if kept.working is None else {"language": kept.working.language}),
    )


def _again(house: House, kept: Kept, event: Event | None) -> _Again:
    """From the event when it is there; else from the inputs that were kept with the claim and stand in the log."""
    working, claim = kept.working, kept.claim
    if working is None:
        told = Text(
            "계산식이 없는 청구입니다. 장부의 값과만 맞춰 보았습니다.", "A claim without a formula: held against the books only."
        )
        return _Again(claim.grams, None, told, same=True)
    if event is not None:
        found = _assessed(house, kept, working, event)
        if found is not None:
            return found
    result = working.again()
    told = Text("청구와 함께 보관된 입력값으로 다시 계산했습니다.", "Worked out again from the inputs kept with the claim.")
    if isinstance(result, Refused):
        return _Again(0, None, result.reason, same=False)
    return _Again(0 if claim.tier == "C" else result.grams, result, told, same=True)


def _assessed(house: House, kept: Kept, working: Working, event: Event) -> _Again | None:
    """The event judged again, by the rules in force on its day and the factors known when it was claimed."""
    claim, folder = kept.claim, house.city.folder
    method = methods.method_of(claim.method, folder)
    if method is None or working.on is None or working.as_of is None or method.event != event.type:
        return None
    row = programmes(working.as_of, folder).get(claim.programme)
    if row is None:
        return None
    answer = assessed(event, Asking(method, row, folder, working.as_of, claim.made_at), working.on)
    if not isinstance(answer, Assessed):
        return _Again(0, None, answer.why, same=False)
    result = answer.working.again()
    told = Text(
        "사건을 그때의 규칙과 계수로 처음부터 다시 판정했습니다.",
        "The event was judged anew by the rules and factors of then.",
    )
    same = (answer.working.inputs, answer.working.steps) == (working.inputs, working.steps)
    return _Again(answer.claim.grams, result if isinstance(result, Result) else None, told, same)


def _on_books(connection: Connection, ident: str) -> int:
    """Grams of a claim that are on the books: what was awarded less what was corrected [gCO2e]."""
    query = select(transfers.c.deed, transfers.c.amount, transfers.c.corrects, transfers.c.why)
    rows = connection.execute(query.where(transfers.c.ref == ident, transfers.c.unit == "gCO2e")).all()
    awarded = sum(row.amount for row in rows if row.why == "award" and row.deed in ("transfer", "post"))
    return int(awarded - sum(row.amount for row in rows if row.corrects))


def _steps(working: Working | None, result: Result | None) -> tuple[StepTold, ...]:
    if working is None or result is None:
        return ()
    return tuple(
        StepTold(
            name=one.name,
            formula=_written(one.do, one.of),
            exact=spelled(result.values[one.out]),
            value=float(result.values[one.out]),
            unit=one.unit,
            shows=one.shows,
        )
        for one in working.steps
    )


_SIGNS = {"add": " + ", "sub": " - ", "mul": " × ", "div": " ÷ "}


def _written(do: str, of: tuple[str, ...]) -> str:
    return _SIGNS[do].join(of) if do in _SIGNS and len(of) > 1 else f"{do}({', '.join(of)})"


def _inputs(house: House, working: Working | None, result: Result | None) -> tuple[InputTold, ...]:
    if working is None:
        return ()
    found = []
    for name, exact in working.inputs.items():
        origin = working.sources.get(name, "")
        source, mark, unit = _source(house, origin)
        value = float(result.values[name]) if result is not None else 0.0
        found.append(InputTold(name=name, exact=exact, value=value, origin=origin, source=source, mark=mark, unit=unit))
    return tuple(found)


def _source(house: House, origin: str) -> tuple[str, str, str]:
    """Source, mark and unit of the rule or factor an input came from."""
    kind, _, name = origin.partition(":")
    row: Any = None
    if kind == "factor":
        row = next((one for one in load_factors(house.city.folder).rows if one.id == name), None)
    elif kind == "rule":
        row = methods.rule_named(name, house.city.folder)
        practice = None if row is not None else grams_rule(name, house.city.folder)
        if practice is not None:
            return practice.grams_source, practice.grams_mark, practice.unit
    return ("", "", "") if row is None else (row.source, row.mark, row.unit)
