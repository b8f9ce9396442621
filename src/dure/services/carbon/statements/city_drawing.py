"""What the city's statement is drawn from: its claims by tier and programme, held against the ledger, and its money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.text import Text
from dure.core.time import day_of
from dure.services.carbon.programmes import programmes
from dure.services.carbon.statements import books
from dure.services.carbon.statements.book_figures import money_figures, reduction_figures
from dure.services.carbon.statements.company_drawing import Drawn
from dure.services.carbon.statements.statement import Fact, Gap, digest_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.services.carbon.statements.books import Span
    from dure.services.carbon.statements.statement import Question
    from dure.spine.house import House

OUTSIDE = Text(
    "도시 전체의 배출 목록은 이 보고서에 없습니다. 감축과 돈만 밝힙니다.",
    "The inventory of the city's emissions is not in this statement: it tells reductions and money only.",
)


def city_drawn(house: House, connection: Connection, asked: Question, span: Span) -> Drawn:
    """The city's rows."""
    found = books.booked_claims(connection, span)
    names = {one.id: one.name for one in programmes(day_of(asked.as_of, house.city.zone), house.city.folder).values()}
    moves = {
        "city-funded": books.moved(connection, span, ["treasury"], ["budget/"], "KRW"),
        "companies-paid": books.moved(connection, span, ["company/"], ["escrow/"], "KRW"),
        "companies-released": books.moved(connection, span, ["escrow/"], ["budget/", "wallet/"], "KRW"),
        "sponsor-corrected": books.moved(connection, span, ["budget/", "wallet/"], ["escrow/"], "KRW"),
        "rewards-paid": books.moved(connection, span, ["wallet/"], ["paid/"], "KRW"),
    }
    gaps = [Gap(code="statement.no_inventory", words=OUTSIDE)]
    wrong = [one.claim for one in found if one.tier != "C" and one.grams != one.on_books_g]
    if wrong:
        words = Text(f"청구와 장부가 다릅니다: {', '.join(wrong[:5])}", f"Claims and ledger differ: {', '.join(wrong[:5])}")
        gaps.append(Gap(code="statement.ledger_differs", words=words, count=len(wrong), stops=True))
    if not found and not any(one.refs for one in moves.values()):
        words = Text("이 기간에는 청구도 돈의 움직임도 없습니다.", "There are neither claims nor money in this period.")
        gaps.append(Gap(code="statement.nothing", words=words, stops=True))
    facts = (Fact(id="name", name=Text("이름", "Name"), value=house.city.name),)
    grounds = {"claims": digest_of(found), "transfers": digest_of(moves[name] for name in sorted(moves))}
    return Drawn(house.city.name, facts, reduction_figures(found, names) + money_figures(moves), gaps, grounds)
