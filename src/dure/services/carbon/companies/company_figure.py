"""``carbon/company/ID/…``: where a company's figures come from, worked out again just now.

================================================  ================================================================
``ID/2026/scope1`` and the like                   grams of a reporting year: `WHATS`, or ``scope3-6`` for a category
``ID/2026/activity/ACT``                          grams of one row in that year
``ID/sponsoring/SPN``                             grams that count for a sponsorship
================================================  ================================================================
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from dure.core.errors import NotFound
from dure.core.text import Text
from dure.core.time import day_of
from dure.emissions.packs import load_factors
from dure.services.carbon.claiming import claim_records
from dure.services.carbon.claiming.explanation import Explanation, InputTold, Link, Part, StepTold
from dure.services.carbon.claiming.naming import names_of
from dure.services.carbon.companies import activity_records, figure_desk, sponsor_records
from dure.services.carbon.companies.activity_rules import activity_rules
from dure.services.carbon.companies.footprint import Footprint, Line, footprint, market_based
from dure.services.carbon.model import Refused

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from dure.spine.house import House

HERE = "/partners/companies"
SHOWN = 200
WHATS: dict[str, Text] = {
    "scope1": Text("직접 배출(스코프 1)", "Direct emissions (scope 1)"),
    "scope2-location": Text("간접 배출(스코프 2, 지역 기반)", "Scope 2, location-based"),
    "scope2-market": Text("간접 배출(스코프 2, 시장 기반)", "Scope 2, market-based"),
    "scope2-hourly-location": Text("시간 단위 스코프 2(지역 기반)", "Hourly scope 2, location-based"),
    "scope2-hourly-market": Text("시간 단위 스코프 2(시장 기반)", "Hourly scope 2, market-based"),
    "scope3": Text("기타 간접 배출(스코프 3)", "Other indirect emissions (scope 3)"),
}
_YEAR = re.compile(r"[12]\d{3}")


def company_figure(house: House, connection: Connection, words: tuple[str, ...]) -> Explanation:
    """A figure of a company.

    Raises
    ------
    NotFound : ``figure.unknown``, ``company.unknown``, ``activity.unknown``, ``sponsor.unknown``
    """
    if len(words) == 3 and words[1] == "sponsoring":
        return _sponsoring(house, connection, words[0], words[2])
    if len(words) == 4 and words[2] == "activity" and _YEAR.fullmatch(words[1]):
        return _activity(house, connection, words[0], int(words[1]), words[3])
    if len(words) == 3 and _YEAR.fullmatch(words[1]):
        if words[2].startswith("scope2-hourly-"):
            return _hourly(house, connection, words[0], int(words[1]), words[2])
        return _year(house, connection, words[0], int(words[1]), words[2])
    raise _unknown(words)


def grams_of(found: Footprint, what: str) -> int | None:
    """Grams of a figure; None where there is none of that name."""
    if what in {"scope1", "scope2-location", "scope2-market", "scope3"}:
        return figure_desk.scope_g(found, what)
    category = what.removeprefix("scope3-")
    return found.scope3_g.get(category) if category != what else None


def _year(house: House, connection: Connection, company: str, year: int, what: str) -> Explanation:
    found = figure_desk.year_footprint(house, connection, company, year)
    amount = grams_of(found, what)
    if amount is None:
        raise _unknown((company, str(year), what))
    lines = [one for one in found.lines if _belongs(one, what)]
    again = _again(house, connection, company, year, (what, lines))
    notes = [one.why for one in found.notices] if what == "scope2-market" else []
    missing = [one for one in lines if one.refused]
    kinds = _kinds(house)
    if missing:
        notes.append(Text(f"계수가 없어 세지 못한 자료 {len(missing)}건", f"{len(missing)} rows count nothing: no factor"))
    if any(one.provisional for one in lines):
        notes.append(Text("확인이 필요한 계수가 들어 있습니다.", "Some factors are to be confirmed."))
    return Explanation(
        figure=f"carbon/company/{company}/{year}/{what}",
        name=_name(what),
        amount=amount,
        again=again,
        unit="gCO2e",
        agrees=amount == again,
        how=Text(
            f"자료 {len(lines)}건을 저마다 계수로 다시 계산해 더했습니다.",
            f"{len(lines)} rows, each by its factor again, summed.",
        ),
        inputs=tuple(_factors(house, lines)),
        parts=tuple(_part((company, year), one, kinds) for one in sorted(lines, key=lambda one: -(one.co2e_g or 0))[:SHOWN]),
        links=(Link(name=Text("활동자료", "Activity data"), path=f"{HERE}/{company}/data"),),
        notes=tuple(notes),
        versions={"method": found.method, "as_of": found.as_of.isoformat()},
    )


def _again(house: House, connection: Connection, company: str, year: int, of: tuple[str, Sequence[Line]]) -> int:
    """The figure once more: every row from what is kept of it alone, then summed, or put through the market-based rule."""
    what, lines = of
    asked = figure_desk.period(house, connection, company, year, None)
    data = figure_desk.sources(house, asked.as_of)
    found: list[Line] = []
    for kept in activity_records.rows_of(connection, company, [one.activity for one in lines]):
        found += footprint(asked, [kept.activity], (), data).lines
    if what != "scope2-market":
        return sum(one.co2e_g or 0 for one in found)
    power = [one for one in found if one.category == "electricity"]
    covered = figure_desk.covered(connection, asked, data, house.city.zone, None)
    rest = sum(one.co2e_g or 0 for one in found if one.category != "electricity")
    return market_based(asked, power, covered, data)[0] + rest


def _activity(house: House, connection: Connection, company: str, year: int, ident: str) -> Explanation:
    kept = activity_records.get(connection, company, ident)
    asked = figure_desk.period(house, connection, company, year, None)
    found = footprint(asked, [kept.activity], (), figure_desk.sources(house, asked.as_of))
    if not found.lines:
        raise _unknown((company, str(year), "activity", ident))
    one = found.lines[0]
    grams = one.co2e_g or 0
    row = kept.activity
    steps = [
        _step(Text("기간에 든 몫", "Share of its days"), f"{row.start} ~ {row.end}", Fraction(one.share), ""),
        _step(
            Text("기간에 든 양", "Amount of that part"), f"{row.value} {row.unit} x {one.share}", Fraction(one.amount), one.unit
        ),
    ]
    if one.exact_g:
        steps.append(_step(Text("배출량", "Emissions"), f"{one.factor} ({', '.join(one.rules)})", Fraction(one.exact_g), "g"))
    return Explanation(
        figure=f"carbon/company/{company}/{year}/activity/{ident}",
        name=_dated(_kinds(house).get(row.kind, Text(row.kind)), f"{row.meter} {row.start} ~ {row.end}".strip()),
        amount=grams,
        again=round(Fraction(one.exact_g)) if one.exact_g else 0,
        unit="gCO2e",
        agrees=not one.exact_g or grams == round(Fraction(one.exact_g)),
        known=one.co2e_g is not None,
        steps=tuple(steps),
        inputs=tuple(_factors(house, [one])),
        links=(Link(name=Text("들여온 파일과 줄", "File and row it came by"), path=f"{HERE}/{company}/data/{kept.brought}"),),
        notes=(Text(one.why, one.why),) if one.refused else (),
        versions={"method": found.method},
    )


def _hourly(house: House, connection: Connection, company: str, year: int, what: str) -> Explanation:
    found = figure_desk.year_hourly(house, connection, company, year)
    if isinstance(found, Refused) or what not in WHATS:
        raise _unknown((company, str(year), what))
    figures = found.figures
    amount = figures.location_g if what.endswith("location") else figures.market_g
    rest = figures.load_wh - (0 if what.endswith("location") else figures.matched_wh)
    exact = Fraction(_factor_g_per_wh(house, found.factor)) * rest
    return Explanation(
        figure=f"carbon/company/{company}/{year}/{what}",
        name=WHATS[what],
        amount=amount,
        again=round(exact),
        unit="gCO2e",
        agrees=amount == round(exact),
        steps=(
            _step(Text("쓴 전기", "Electricity used"), "", Fraction(figures.load_wh), "Wh"),
            _step(Text("같은 시각에 맞춘 재생전기", "Matched in its own hour"), "", Fraction(figures.matched_wh), "Wh"),
            _step(Text("맞추지 못한 전기 x 계수", "The rest by the factor"), found.factor, exact, "g"),
        ),
        links=(Link(name=Text("시간 자료와 계약", "Hours and contracts"), path=f"{HERE}/{company}/hours?year={year}"),),
        notes=tuple(one.why for one in found.notices),
    )


def _sponsoring(house: House, connection: Connection, company: str, ident: str) -> Explanation:
    held = sponsor_records.get(connection, ident)
    if held.sponsorship.company != company:
        raise _unknown((company, "sponsoring", ident))
    results = sponsor_records.results_of(connection, sponsorship=ident)
    total = sponsor_records.counted(connection, ident).grams
    claims = claim_records.claims_of(connection, [one.claim for one in results[:SHOWN]])
    names = names_of(house, connection, [one.claim for one in claims])
    return Explanation(
        figure=f"carbon/company/{company}/sponsoring/{ident}",
        name=held.sponsorship.title,
        amount=held.counted_g,
        again=total,
        unit="gCO2e",
        agrees=held.counted_g == total,
        how=Text(f"청구 {len(results)}건의 몫을 더했습니다.", f"Shares of {len(results)} claims, summed."),
        parts=tuple(
            Part(figure=f"carbon/claim/{one.claim}", name=names[one.claim], amount=one.grams, unit="gCO2e", note=one.tier)
            for one in results[:SHOWN]
        ),
        links=(Link(name=Text("후원 보기", "The sponsorship"), path=f"{HERE}/{company}/sponsoring/{ident}"),),
    )


def _belongs(line: Line, what: str) -> bool:
    if what.startswith("scope3-"):
        return line.scope == 3 and line.category == what.removeprefix("scope3-")
    return line.scope == int(what[5])


def _factors(house: House, lines: Sequence[Line]) -> list[InputTold]:
    rows = {row.id: row for row in load_factors(house.city.folder).rows}
    found = []
    for ident in sorted({one.factor for one in lines if one.factor}):
        row = rows[ident]
        value = row.total_kg if row.total_kg is not None else row.co2_kg
        found.append(
            InputTold(
                name=ident, exact=str(value), value=float(value or 0), origin=f"factor:{ident}", source=row.source, mark=row.mark,
                unit=f"kg/{row.per}",
            )
        )  # fmt: skip
    return found


def _factor_g_per_wh(house: House, ident: str) -> Fraction:
    row = next(one for one in load_factors(house.city.folder).rows if one.id == ident)
    return Fraction(str(row.total_kg)) / 1000  # kg/MWh is g/kWh


def _kinds(house: House) -> dict[str, Text]:
    rules = activity_rules(day_of(house.clock.now(), house.city.zone), house.city.folder)
    return {ident: one.name for ident, one in rules.kinds.items()}


def _dated(name: Text, words: str) -> Text:
    return Text(f"{name.ko} {words}", f"{name('en')} {words}")


def _part(year: tuple[str, int], line: Line, kinds: Mapping[str, Text]) -> Part:
    return Part(
        figure=f"carbon/company/{year[0]}/{year[1]}/activity/{line.activity}",
        name=_dated(kinds.get(line.kind, Text(line.kind)), f"{line.start} ~ {line.end}"),
        amount=line.co2e_g or 0,
        unit="gCO2e",
        note=line.refused or line.factor,
        known=line.co2e_g is not None,
    )


def _step(name: Text, formula: str, value: Fraction, unit: str) -> StepTold:
    return StepTold(name=name, formula=formula, exact=str(value), value=float(value), unit=unit)


def _name(what: str) -> Text:
    known = WHATS.get(what)
    category = what.removeprefix("scope3-")
    return known or Text(f"스코프 3 분류 {category}", f"Scope 3, category {category}")


def _unknown(words: tuple[str, ...]) -> NotFound:
    return NotFound("figure.unknown", f"carbon/company/{'/'.join(words)[:80]} names no figure.")
