"""``carbon/programme/ID/2026/A``: the grams of a programme in a local year and tier, claim by claim."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, get_args

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_interval, day_of
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.claim_records import Wanted
from dure.services.carbon.claiming.explanation import Explanation, Link, Part
from dure.services.carbon.claiming.naming import names_of
from dure.services.carbon.model import Refused, State, Tier
from dure.services.carbon.programmes import programmes

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sqlalchemy import Connection

    from dure.services.carbon.model import Claim
    from dure.spine.house import House

_YEAR = re.compile(r"[1-8]\d{3}")
SHOWN = 200  # claims told one by one, those worth most first; all are worked out again
BOOKED: tuple[State, ...] = ("awarded", "retired")


def programme_figure(house: House, connection: Connection, words: tuple[str, str, str]) -> Explanation:
    """Tonnes of a programme, year and tier: the sum of its claims, each worked out again from what is kept with it.

    Raises NotFound ``figure.unknown``.
    """
    ident, year, tier = words
    wanted = _wanted(house, ident, year, tier)
    total = again = 0
    found: list[Claim] = []
    for kept in claim_records.each_kept(connection, wanted):
        total += kept.claim.grams
        result = None if kept.working is None else kept.working.again()
        again += kept.claim.grams if result is None or isinstance(result, Refused) else result.grams
        found.append(kept.claim)
    found.sort(key=lambda one: (-one.grams, one.id))
    name = programmes(day_of(house.clock.now(), house.city.zone), house.city.folder)[ident].name
    names = names_of(house, connection, found[:SHOWN])
    return Explanation(
        figure=f"carbon/programme/{ident}/{year}/{tier}",
        name=Text(f"{name.ko}, {year}년, {tier}등급", f"{name.en}, {year}, tier {tier}"),
        amount=total,
        again=again,
        unit="gCO2e",
        agrees=total == again,
        how=Text(
            f"청구 {len(found):,}건을 저마다 보관된 입력값으로 다시 계산해 더했습니다.",
            f"{len(found):,} claims, each worked out again from what is kept with it, and summed.",
        ),
        parts=tuple(_part(one, names[one.id], house.city.zone) for one in found[:SHOWN]),
        links=(
            Link(
                name=Text("이 청구 모두 보기", "All of these claims"),
                path=f"/operations/carbon/claims?programme={ident}&tier={tier}&year={year}",
            ),
        ),
    )


def _part(one: Claim, name: Text, zone: ZoneInfo) -> Part:
    return Part(
        figure=f"carbon/claim/{one.id}",
        name=name,
        amount=one.grams,
        unit="gCO2e",
        note=day_of(one.stretches[0].start, zone).isoformat(),
    )


def _wanted(house: House, ident: str, year: str, tier: str) -> Wanted:
    known = programmes(day_of(house.clock.now(), house.city.zone), house.city.folder)
    chosen: Tier | None = next((one for one in get_args(Tier) if one == tier), None)
    if ident not in known or chosen is None or not _YEAR.fullmatch(year):
        raise NotFound("figure.unknown", f"carbon/programme/{ident[:40]}/{year[:10]}/{tier[:5]} names no figure.")
    zone = house.city.zone
    start, end = (day_interval(date(one, 1, 1), zone).start for one in (int(year), int(year) + 1))
    return Wanted(programme=ident, tier=chosen, states=BOOKED, start=start, end=end)
