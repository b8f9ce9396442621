"""What a company's statement is drawn from, as known at its instant: footprint, hours, targets, credits, contributions."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from dure.core.text import Text
from dure.core.time import day_of
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
from dure.services.carbon.statements.statement import DRAFT, Fact, Gap, Part, digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

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
NOT_A_YEAR = Text("시간 단위 값은 보고 연도 전체에만 있습니다.", "Figures by the hour are of a whole reporting year only.")
NO_HOURS = Text("시간별 사용량이 없습니다.", "The company brought no hourly loads.")


class Drawn(NamedTuple):
    """Rows with their parts, and all that stands around them."""

    name: Text
    facts: tuple[Fact, ...]
    rows: list[Made]
    gaps: list[Gap]
    grounds: dict[str, str]


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
    grounds = {
        "activities": digest_of(activities),
        "contracts": digest_of((contracts[one], ) for one in sorted(contracts)),
        "hours": digest_of([hourly]) if isinstance(hourly, HourlyAnswer) else "",
        "targets": digest_of(targets),
        "results": digest_of(shared),
        "profile": digest_of([profile]),
        "factors": digest_of(sorted({(one.factor, one.gwp) for one in found.lines if one.factor})),
        "rules-activities": data.rules.version,
    }  # fmt: skip
    gaps = _gaps(found, profile) + [
        Gap(
            code="activity.gap",
            words=Text(f"{series}: {first}부터 {after}까지 자료가 없습니다.", f"{series}: nothing from {first} to {after}."),
        )
        for series, first, after in bill_gaps(activities)
    ]
    return Drawn(profile.name, _facts(profile, found), rows, gaps, grounds)


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
    """Of each absolute target: its base, its goal, and the period's value where it covers a reporting year."""
    rows = []
    for one in targets:
        words = f"{one.covers} {one.base_year}->{one.year}"
        if one.measure != "absolute":
            continue
        for part, amount in (("base", one.base), ("goal", one.goal)):
            name = Text(f"목표 {words}: {'기준' if part == 'base' else '목표값'}", f"Target {words}: {part}")
            rows.append(made(f"target:{one.id}:{part}", Kind(group="targets", unit="gCO2e", name=name), round(amount)))
        if found.lines and profile.year(asked.first.year) == (asked.first, asked.after):
            name = Text(f"목표 {words}: 이 기간", f"Target {words}: this period")
            amount = Fraction(figure_desk.scope_g(found, one.covers))
            rows.append(made(f"target:{one.id}:actual", Kind(group="targets", unit="gCO2e", name=name), round(amount)))
    return rows


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
