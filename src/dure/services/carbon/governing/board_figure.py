"""Figures of the board and the inventory explain themselves: read again from the books, transfer by transfer, claim by claim.

================================================  ================================================================
``carbon/board/2026/in-treasury``                 won the city put into programmes in a year; ``2026-03``: in a month
``carbon/board/2026/in-companies``                won companies paid in
``carbon/board/2026/released/PROGRAMME``          won released by sponsorships into a programme
``carbon/board/2026/rewards/PROGRAMME``           won that went out to persons
``carbon/board/2026/tonnes/A``                    grams of one tier
``carbon/inventory/2026/DISTRICT/SERVICE/TIER``   grams of a district (``city``: nothing says which) and service
================================================  ================================================================
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, NamedTuple, get_args

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.claim_records import Kept, Wanted
from dure.services.carbon.claiming.explanation import Explanation, Link, Part
from dure.services.carbon.claiming.naming import names_of
from dure.services.carbon.governing import flow_records, inventory_records
from dure.services.carbon.governing.board import net
from dure.services.carbon.governing.flow_records import Moved
from dure.services.carbon.governing.places import NAMES
from dure.services.carbon.model import Refused, Tier
from dure.services.carbon.programmes import programmes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from dure.spine.house import House

_SPAN = re.compile(r"([1-8]\d{3})(?:-(0[1-9]|1[0-2]))?")
SHOWN = 200
CLAIM = "clm-"
_FLOWS = {
    "in-treasury": ("treasury", "budget", Text("시가 넣은 예산", "Put in by the city")),
    "in-companies": ("treasury", "company", Text("기업이 낸 돈", "Paid in by companies")),
    "released": ("escrow", "budget", Text("후원에서 풀린 돈", "Released by sponsorships")),
    "rewards": ("budget", "wallet", Text("시민에게 간 보상", "Rewards to citizens")),
}


class Span(NamedTuple):
    """A local year or month as it is written, and its bounds."""

    words: str
    start: datetime
    end: datetime

    @property
    def ko(self) -> str:
        """As it is said in Korean."""
        year, _, month = self.words.partition("-")
        return f"{year}년 {int(month)}월" if month else f"{year}년"


def board_figure(house: House, connection: Connection, words: tuple[str, ...]) -> Explanation:
    """A figure of the board; NotFound ``figure.unknown``."""
    if len(words) not in (2, 3):
        raise _unknown("board", words)
    span, what, of = _span(house, words), words[1], words[2] if len(words) == 3 else ""  # span, what, of which
    if what == "tonnes" and of in get_args(Tier):
        return _tonnes(house, connection, span, next(one for one in get_args(Tier) if one == of))
    known = programmes(day_of(house.clock.now(), house.city.zone), house.city.folder)
    if what not in _FLOWS or (of and of not in known) or (what in ("released", "rewards")) != bool(of):
        raise _unknown("board", words)
    return _won((house, connection), span, what, of, known[of].name if of else None)


def inventory_figure(house: House, connection: Connection, words: tuple[str, ...]) -> Explanation:
    """A cell of the inventory; NotFound ``figure.unknown``."""
    if len(words) != 4 or words[3] not in get_args(Tier) or words[2] not in NAMES:  # year, district, service, tier
        raise _unknown("inventory", words)
    span, (_, district, service, tier) = _span(house, words), words
    zone = house.city.zone_by_id(district)
    if district != "city" and zone is None:
        raise _unknown("inventory", words)
    wanted = ("" if zone is None else zone.id, service, tier)
    found = inventory_records.cell(connection, (span.start, span.end), wanted)
    where = zone.name if zone is not None else Text("구역을 알 수 없음", "District not known")
    name = NAMES[service]
    return _of_claims(
        (house, connection),
        f"carbon/inventory/{'/'.join(words)}",
        Text(f"{where.ko}, {name.ko}, {span.ko}, {tier}등급", f"{where.en or where.ko}, {name.en}, {span.words}, tier {tier}"),
        found,
    )


def _tonnes(house: House, connection: Connection, span: Span, tier: Tier) -> Explanation:
    wanted = Wanted(tier=tier, states=("awarded", "retired"), start=span.start, end=span.end)
    found = list(claim_records.each_kept(connection, wanted))
    name = Text(f"{span.ko}, {tier}등급", f"Tier {tier}, {span.words}")
    return _of_claims((house, connection), f"carbon/board/{span.words}/tonnes/{tier}", name, found)


def _of_claims(books: tuple[House, Connection], figure: str, name: Text, found: Iterable[Kept]) -> Explanation:
    """Grams of claims, each worked out again from what is kept with it."""
    kept = sorted(found, key=lambda one: (-one.claim.grams, one.claim.id))
    total = sum(one.claim.grams for one in kept)
    again = sum(_again(one) for one in kept)
    names = names_of(*books, [one.claim for one in kept[:SHOWN]])
    return Explanation(
        figure=figure, name=name, amount=total, again=again, unit="gCO2e", agrees=total == again,
        how=Text(
            f"청구 {len(kept):,}건을 저마다 보관된 입력값으로 다시 계산해 더했습니다.",
            f"{len(kept):,} claims, each worked out again from what is kept with it, and summed.",
        ),
        parts=tuple(
            Part(
                figure=f"carbon/claim/{one.claim.id}", name=names[one.claim.id],
                amount=one.claim.grams, unit="gCO2e", note=day_of(one.claim.stretches[0].start, books[0].city.zone).isoformat(),
            )
            for one in kept[:SHOWN]
        ),
    )  # fmt: skip


def _again(kept: Kept) -> int:
    result = None if kept.working is None else kept.working.again()
    return kept.claim.grams if result is None or isinstance(result, Refused) else result.grams


def _won(books: tuple[House, Connection], span: Span, what: str, of: str, of_name: Text | None) -> Explanation:
    connection = books[1]
    source, target, name = _FLOWS[what]
    flows = flow_records.flows(connection, (span.start, span.end))
    amount = net((one for one in flows if not of or one.programme == of), source, target)
    moved = flow_records.moved(connection, (span.start, span.end), (source, target), of)
    again = sum(one.won for one in moved)
    shown = sorted(moved, key=lambda one: (-abs(one.won), one.id))[:SHOWN]
    names = _named(*books, [one.ref for one in shown if one.ref.startswith(CLAIM)])
    more = Text("", "") if of_name is None else Text(f", {of_name.ko}", f", {of_name.en}")
    return Explanation(
        figure=f"carbon/board/{span.words}/{what}{f'/{of}' if of else ''}",
        name=Text(f"{span.ko}, {name.ko}{more.ko}", f"{name.en}, {span.words}{more.en}"),
        amount=amount, again=again, unit="KRW", agrees=amount == again,
        how=Text(
            f"장부의 이체 {len(moved):,}건을 하나씩 다시 읽어 더했습니다. 되돌린 것은 뺐습니다.",
            f"{len(moved):,} transfers read again from the books one by one and summed; what was taken back is subtracted.",
        ),
        parts=tuple(_part(one, names, books[0].city.zone) for one in shown),
        links=(Link(name=Text("투명성 로그", "The transparency log"), path="/carbon/log"),),
    )  # fmt: skip


def _named(house: House, connection: Connection, idents: list[str]) -> dict[str, Text]:
    return names_of(house, connection, [one.claim for one in claim_records.claims_of(connection, list(dict.fromkeys(idents)))])


def _part(one: Moved, names: Mapping[str, Text], zone: ZoneInfo) -> Part:
    figure = f"carbon/claim/{one.ref}" if one.ref in names else ""
    name, day = names.get(one.ref, Text(one.id)), day_of(one.at, zone)
    return Part(figure=figure, name=name, amount=one.won, unit="KRW", note=day.isoformat())


def _span(house: House, words: tuple[str, ...]) -> Span:
    found = _SPAN.fullmatch(words[0])
    if found is None:
        raise _unknown("board", words)
    year, month = int(found[1]), found[2]
    first = date(year, int(month or 1), 1)
    after = date(year + 1, 1, 1) if month is None or month == "12" else date(year, int(month) + 1, 1)
    start, end = (day_interval(one, house.city.zone).start for one in (first, after))
    return Span(words[0], start, end)


def _unknown(kind: str, words: tuple[str, ...]) -> NotFound:
    return NotFound("figure.unknown", f"carbon/{kind}/{'/'.join(words)[:80]} names no figure.")
