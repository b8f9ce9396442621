"""What a company's statement is drawn from, as known at its instant: footprint, hours, targets, credits, contributions."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dure.core.text import Text
from dure.core.time import day_of
from dure.emissions.emission import co2e_kg
from dure.services.carbon.companies import activity_records, company_records, figure_desk, right_records, sponsor_records
from dure.services.carbon.companies.activity import gaps as bill_gaps
from dure.services.carbon.companies.company import written_number
from dure.services.carbon.companies.figure_desk import HourlyAnswer
from dure.services.carbon.companies.footprint import Footprint, Question, footprint
from dure.services.carbon.model import Refused
from dure.services.carbon.statements import books
from dure.services.carbon.statements.book_figures import contribution_figures, credit_figures, money_figures
from dure.services.carbon.statements.books import Span
from dure.services.carbon.statements.footprint_figures import footprint_figures, intensity_figures
from dure.services.carbon.statements.making import Kind, Made, made, unknown
from dure.services.carbon.statements.statement import DRAFT, Fact, FactorTold, Gap, Part, digest_of
from dure.services.carbon.statements.units import written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from dure.emissions.table import Factor, FactorTable
    from dure.services.carbon.companies.company import Company
    from dure.services.carbon.companies.targets import Target
    from dure.services.carbon.statements import statement
    from dure.spine.house import House

BOUNDARIES: dict[str, Text] = {
    "operational_control": Text("운영 통제", "Operational control"),
    "financial_control": Text("재무 통제", "Financial control"),
    "equity_share": Text("지분율", "Equity share"),
}
HOURLY: dict[str, tuple[str, Text]] = {
    "scope2-hourly-location": ("location_g", Text("스코프 2, 시간 단위(지역 기반)", "Scope 2 by the hour, location-based")),
    "scope2-hourly-market": ("market_g", Text("스코프 2, 시간 단위(시장 기반)", "Scope 2 by the hour, market-based")),
    "hourly-matched": ("matched_wh", Text("같은 시간에 맞춘 재생 전기", "Renewable electricity matched in its own hour")),
    "hourly-score": ("score_ppm", Text("같은 시간에 맞춘 비율", "Share matched in its own hour")),
}
UNITS: dict[str, statement.FigureUnit] = {"location_g": "gCO2e", "market_g": "gCO2e", "matched_wh": "Wh", "score_ppm": "ppm"}
# Unit of a target's rows, and how many of it a gram (of a square metre) is.
TARGETS: dict[str, tuple[statement.FigureUnit, int]] = {"absolute": ("gCO2e", 1), "per_m2": ("mgCO2e/m2", 1_000)}
COVERS: dict[str, Text] = {
    "scope1": Text("스코프 1", "scope 1"),
    "scope2-location": Text("스코프 2(지역 기반)", "scope 2 (location-based)"),
    "scope2-market": Text("스코프 2(시장 기반)", "scope 2 (market-based)"),
    "scope12-location": Text("스코프 1+2(지역 기반)", "scopes 1 and 2 (location-based)"),
    "scope12-market": Text("스코프 1+2(시장 기반)", "scopes 1 and 2 (market-based)"),
    "scope3": Text("스코프 3", "scope 3"),
}
PARTS: dict[str, Text] = {"base": Text("기준", "base"), "goal": Text("목표값", "goal"), "actual": Text("이 기간", "this period")}
NOT_A_YEAR = Text("시간 단위 값은 보고 연도 전체에만 있습니다.", "Figures by the hour are of a whole reporting year only.")
NO_HOURS = Text("시간별 사용량이 없습니다.", "The company brought no hourly loads.")


class Drawn(NamedTuple):
    """Rows with their parts, and all that stands around them."""

    name: Text
    facts: tuple[Fact, ...]
    rows: list[Made]
    gaps: list[Gap]
    grounds: dict[str, str]
    factors: tuple[FactorTold, ...] = ()


def company_drawn(house: House, connection: Connection, asked: statement.Question, span: Span) -> Drawn:
    """A company's rows; NotFound ``company.unknown``."""
    profile = company_records.get(connection, asked.company, asked.as_of)
    on = day_of(asked.as_of, house.city.zone)
    question = Question(company=profile, first=asked.first, after=asked.after, as_of=on)
    data = figure_desk.sources(house, on)
    activities = activity_records.standing(connection, profile.id, asked.first, asked.after, asked.as_of)
    covered = figure_desk.covered(connection, question, data, house.city.zone, asked.as_of)
    found = footprint(question, activities, covered, data)
    contracts = {one.id: one for one in right_records.contracts_of(connection, company=profile.id, as_of=asked.as_of)}
    hourly = _hourly(house, connection, profile, asked)
    targets = right_records.targets_of(connection, profile.id, asked.as_of)
    shared = books.shared_with(connection, profile.id, span)
    rows = footprint_figures(found, covered, contracts)
    rows += [*_hourly_figures(hourly), *intensity_figures(found, profile.area_m2)]
    rows += _targets(found, targets, profile, asked) + _books(connection, profile.id, span) + contribution_figures(shared)
    factors = _factors(found, data.factors)
    grounds = {
        "activities": digest_of(activities),
        "contracts": digest_of((contracts[one], ) for one in sorted(contracts)),
        "hours": digest_of([hourly]) if isinstance(hourly, HourlyAnswer) else "",
        "targets": digest_of(targets),
        "results": digest_of(shared),
        "profile": digest_of([profile]),
        "factors": digest_of(factors),
        "rules-activities": data.rules.version,
    }  # fmt: skip
    gaps = [*_gaps(found, profile), *_target_gaps(targets)] + [
        Gap(
            code="activity.gap",
            words=Text(f"{series}: {first}부터 {after}까지 자료가 없습니다.", f"{series}: nothing from {first} to {after}."),
        )
        for series, first, after in bill_gaps(activities)
    ]
    if isinstance(hourly, HourlyAnswer):
        gaps += _hours_gap(hourly.figures.load_wh, found.electricity_wh)
    return Drawn(profile.name, _facts(profile, found), rows, gaps, grounds, factors)


def _hours_gap(load_wh: int, billed_wh: int) -> list[Gap]:
    """Figures by the hour are of the electricity whose hours are known, which need not be all that was billed."""
    if load_wh == billed_wh:
        return []
    load, billed = (written(one, "Wh") for one in (load_wh, billed_wh))
    ko = f"시간 단위 값은 시간별 사용량이 있는 전기 {load}의 것입니다. 청구된 전기는 {billed}입니다."
    en = f"Figures by the hour are of {load} whose hours are known; {billed} were billed."
    return [Gap(code="statement.hours_coverage", words=Text(ko, en))]


def _factors(found: Footprint, table: FactorTable) -> tuple[FactorTold, ...]:
    """Every factor that a row was counted by, with its source."""
    used: dict[str, int] = {}
    for line in found.lines:
        used[line.factor] = used.get(line.factor, 0) + 1
    rows = {one.id: one for one in table.rows if one.id in used}
    return tuple(
        FactorTold(
            id=ident,
            kind=one.kind,
            value=_value(one, table),
            per=one.per,
            heat=one.heat,
            gwp=one.gwp,
            effective_from=one.effective_from,
            published_at=one.published_at,
            rows=used[ident],
            source=one.source,
            mark=one.mark,
        )
        for ident, one in sorted(rows.items())
    )


def _value(one: Factor, table: FactorTable) -> str:
    """CO2 equivalent per unit [kg], exact: products and sums of published decimals have a last digit."""
    value = co2e_kg(one, table.potentials.get(one.gwp) if one.total_kg is None else None)
    return f"{Decimal(value.numerator) / Decimal(value.denominator):f}"


def _hourly(house: House, connection: Connection, profile: Company, asked: statement.Question) -> HourlyAnswer | Refused:
    if profile.year(asked.first.year) != (asked.first, asked.after):
        return Refused("statement.not_a_year", NOT_A_YEAR)
    found = figure_desk.year_hourly(house, connection, profile.id, asked.first.year, asked.as_of)
    if isinstance(found, HourlyAnswer) and not found.figures.load_wh:
        return Refused("statement.no_hours", NO_HOURS)
    return found


def _hourly_figures(found: HourlyAnswer | Refused) -> list[Made]:
    rows = []
    for row, (field, name) in HOURLY.items():
        group: statement.Group = "energy" if field == "matched_wh" else "scope2"
        kind = Kind(group=group, unit=UNITS[field], name=name, method="hourly@1", mark=DRAFT)
        if isinstance(found, Refused):
            rows.append(unknown(row, kind, found.reason))
            continue
        parts = [
            Part(figure=f"row:contract:{ident}", name=Text(ident), amount=wh, unit="Wh")
            for ident, wh in found.by_contract_wh.items()
        ]
        again = sum(one.amount for one in parts) if field == "matched_wh" else None
        rows.append(made(row, kind, getattr(found.figures, field), parts, again=again))
    return rows


def _targets(found: Footprint, targets: Sequence[Target], profile: Company, asked: statement.Question) -> list[Made]:
    """Of each target: its base, its goal, and the period's value where it is a reporting year and known."""
    rows = []
    whole_year = bool(found.lines) and profile.year(asked.first.year) == (asked.first, asked.after)
    for one in targets:
        per = profile.area_m2 if one.measure == "per_m2" else None
        kind = TARGETS.get(one.measure)
        if kind is None:
            continue
        amounts = {"base": one.base, "goal": one.goal}
        if whole_year and (one.measure == "absolute" or per):
            amounts["actual"] = figure_desk.scope_g(found, one.covers) / (per or Fraction(1))
        for part, amount in amounts.items():
            ko, en = (
                f"{COVERS[one.covers].ko} {one.base_year}→{one.year}: {PARTS[part].ko}",
                f"{COVERS[one.covers].en} {one.base_year}→{one.year}: {PARTS[part].en}",
            )
            told = Kind(group="targets", unit=kind[0], name=Text(f"목표 {ko}", f"Target {en}"))
            rows.append(made(f"target:{one.id}:{part}", told, round(amount * kind[1])))
    return rows


def _target_gaps(targets: Sequence[Target]) -> list[Gap]:
    others = [one.id for one in targets if one.measure not in TARGETS]
    if not others:
        return []
    words = Text(
        "생산량당 목표는 생산량 자료가 없어 싣지 않았습니다.",
        "Targets for each unit of output are left out: there are no data of output.",
    )
    return [Gap(code="statement.target_output", words=words, count=len(others))]


def _books(connection: Connection, company: str, span: Span) -> list[Made]:
    held, retired = f"held/company/{company}", f"retired/company/{company}"
    moves = {
        "credits-received": books.moved(connection, span, ["world/", "held/"], [held], "gCO2e"),
        "credits-returned": books.moved(connection, span, [held, retired], ["cancelled/", "held/"], "gCO2e"),
        "credits-retired": books.moved(connection, span, [held], [retired], "gCO2e"),
    }
    escrows = [f"escrow/{one.sponsorship.id}" for one in sponsor_records.listing(connection, company=company)]
    won = {
        "sponsor-paid": books.moved(connection, span, [f"company/{company}"], escrows, "KRW"),
        "sponsor-released": books.moved(connection, span, escrows, ["budget/", "wallet/"], "KRW"),
        "sponsor-corrected": books.moved(connection, span, ["budget/", "wallet/"], escrows, "KRW"),
        "sponsor-returned": books.moved(connection, span, escrows, [f"company/{company}"], "KRW"),
    }
    return credit_figures(moves, books.balance_at(connection, held, span.as_of)) + money_figures(won)


def _facts(profile: Company, found: Footprint) -> tuple[Fact, ...]:
    gwp = ", ".join(sorted({one.gwp for one in found.lines if one.gwp})) or "-"
    number = written_number(profile.business_number)
    return (
        Fact(id="name", name=Text("이름", "Name"), value=profile.name),
        Fact(id="number", name=Text("사업자등록번호", "Business number"), value=Text(number, number)),
        Fact(id="boundary", name=Text("조직 경계", "Boundary"), value=BOUNDARIES[profile.boundary]),
        Fact(id="sites", name=Text("사업장 수", "Sites"), value=Text(str(len(profile.sites)), str(len(profile.sites)))),
        Fact(id="gwp", name=Text("지구온난화지수", "Warming potentials"), value=Text(gwp, gwp)),
        Fact(id="method", name=Text("계산 방법", "Method"), value=Text(found.method, found.method)),
    )


def _gaps(found: Footprint, profile: Company) -> list[Gap]:
    if not found.lines:
        words = Text("이 기간의 활동자료가 하나도 없습니다.", "There are no activity data of this period at all.")
        return [Gap(code="statement.nothing", words=words, stops=True)]
    gaps = [Gap(code=one.code, words=one.why) for one in found.notices]
    missing: dict[tuple[str, str], int] = {}
    for one in found.missing:
        missing[one.kind, one.refused] = missing.get((one.kind, one.refused), 0) + 1
    for (kind, code), count in sorted(missing.items()):
        words = Text(f"{kind}: 계수가 없어 세지 못했습니다.", f"{kind}: counts nothing, there is no factor.")
        gaps.append(Gap(code=code, words=words, count=count))
    provisional = sorted({one.factor for one in found.lines if one.provisional})
    if provisional:
        words = Text(f"확인이 필요한 계수: {', '.join(provisional)}", f"Factors to be confirmed: {', '.join(provisional)}")
        gaps.append(Gap(code="statement.provisional", words=words, count=len(provisional)))
    if profile.area_m2 is None:
        words = Text("연면적을 모르는 사업장이 있어 집약도를 비웁니다.", "The floor area of a site is not known: no intensity.")
        gaps.append(Gap(code="statement.area", words=words))
    return gaps + _uncovered(found)


def _uncovered(found: Footprint) -> list[Gap]:
    """Days of the period that no row of electricity covers: told, never filled."""
    total = (found.after - found.first).days
    days = {
        day for one in found.lines if one.category == "electricity" for day in range(one.start.toordinal(), one.end.toordinal())
    }
    if len(days) == total:
        return []
    words = Text(
        f"기간 {total}일 가운데 전기 자료가 있는 날은 {len(days)}일입니다.",
        f"Electricity is known of {len(days)} days of {total}.",
    )
    return [Gap(code="statement.coverage", words=words, count=total - len(days))]
