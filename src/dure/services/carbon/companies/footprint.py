"""A company's emissions of a period: every row with the factor it came by, scopes 1 to 3, location- and market-based. Pure.

Each row is rounded once to whole grams; totals are sums of these. A row whose factor is missing is not guessed: it counts
nothing, and the figure says which rows are missing. A row that lies in the period in part counts by its days. The factor is
that in force on the first day of the part, as known on `as_of`.

Market-based electricity: what instruments cover of the period's use counts by them, the rest by the residual mix; where no
residual mix is published the grid's factor stands in, and the figure says so (GHG Protocol Scope 2 guidance, chapter 6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

import msgspec

from dure.core.rules import Pack
from dure.core.text import Text
from dure.emissions.conversion import Refused as NoFactor
from dure.emissions.conversion import energy_of
from dure.emissions.emission import Emission, emission
from dure.emissions.quantity import Quantity
from dure.emissions.table import Factor, FactorTable, GasSet
from dure.services.carbon.companies.activity import Activity, Notice
from dure.services.carbon.companies.activity_rules import ActivityRules, Kind
from dure.services.carbon.companies.company import Company

METHOD = "company-footprint@1"
ESTIMATED_SCORE = 4


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked.

    Attributes
    ----------
    first, after : days ``[first, after)``
    as_of : day on which factors and rows must have been known
    gwp : warming potentials for factors published by gas; "" takes each factor's own set
    """

    company: Company
    first: date
    after: date
    as_of: date
    gwp: str = ""


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The dated data it rests on."""

    rules: ActivityRules
    factors: FactorTable
    energy: Pack


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One row in the period.

    Attributes
    ----------
    share : of its days that lie in the period, as ``n/d``
    amount : of the part, exact, as ``n/d`` in `unit`
    co2e_g : whole grams, None when `refused`
    co2_g, ch4_g, n2o_g : mass of each gas [g], rounded; None where the factor is published as a total only
    energy_wh : energy of the part [Wh] on the factor's basis, None where it is none
    quality : 1 best to 5
    refused : code of why it counts nothing
    """

    activity: str
    kind: str
    scope: int
    category: str
    site: str
    start: date
    end: date
    share: str
    amount: str
    unit: str
    co2e_g: int | None
    exact_g: str
    co2_g: int | None = None
    ch4_g: int | None = None
    n2o_g: int | None = None
    energy_wh: int | None = None
    factor: str = ""
    gwp: str = ""
    rules: tuple[str, ...] = ()
    provisional: bool = False
    quality: int = 5
    refused: str = ""
    why: str = ""


class Footprint(msgspec.Struct, frozen=True, kw_only=True):
    """All rows and their sums [gCO2e].

    Attributes
    ----------
    scope3_g : by category
    covered_wh : electricity that instruments cover [Wh]
    quality_hundredths : score of the data weighed by emissions, hundredths of 1 (best) to 5
    """

    company: str
    first: date
    after: date
    as_of: date
    method: str
    lines: tuple[Line, ...]
    scope1_g: int
    scope2_location_g: int
    scope2_market_g: int
    scope3_g: dict[str, int]
    electricity_wh: int
    covered_wh: int
    quality_hundredths: int
    notices: tuple[Notice, ...]

    @property
    def missing(self) -> tuple[Line, ...]:
        """Rows that count nothing."""
        return tuple(one for one in self.lines if one.refused)


class Covered(msgspec.Struct, frozen=True):
    """Electricity of the period an instrument covers [Wh], and what it emits [gCO2e/kWh]."""

    contract: str
    wh: int
    g_per_kwh: int = 0


def footprint(question: Question, activities: Sequence[Activity], covered: Sequence[Covered], sources: Sources) -> Footprint:
    """The emissions of a company in a period."""
    inside = [one for one in activities if one.start < question.after and question.first < one.end]
    lines = tuple(_line(question, one, sources) for one in sorted(inside, key=lambda one: (one.start, one.kind, one.id)))
    power = [one for one in lines if one.category == "electricity"]
    power_wh = sum(one.energy_wh or 0 for one in power)
    other2_g = sum(one.co2e_g or 0 for one in lines if one.scope == 2 and one.category != "electricity")
    location_g = sum(one.co2e_g or 0 for one in power)
    market_g, covered_wh, notices = market_based(question, power, covered, sources)
    scope3: dict[str, int] = {}
    for one in lines:
        if one.scope == 3:
            scope3[one.category] = scope3.get(one.category, 0) + (one.co2e_g or 0)
    return Footprint(
        company=question.company.id,
        first=question.first,
        after=question.after,
        as_of=question.as_of,
        method=METHOD,
        lines=lines,
        scope1_g=sum(one.co2e_g or 0 for one in lines if one.scope == 1),
        scope2_location_g=location_g + other2_g,
        scope2_market_g=market_g + other2_g,
        scope3_g=dict(sorted(scope3.items())),
        electricity_wh=power_wh,
        covered_wh=covered_wh,
        quality_hundredths=_quality(lines),
        notices=notices,
    )


def market_based(
    question: Question, power: Sequence[Line], covered: Sequence[Covered], sources: Sources
) -> tuple[int, int, tuple[Notice, ...]]:
    """Market-based grams of the electricity, Wh that instruments cover, and what must be said of it."""
    total_wh = sum(one.energy_wh or 0 for one in power)
    left, emitted_g, notices = total_wh, Fraction(0), []
    for one in covered:
        wh = min(one.wh, left)
        left -= wh
        emitted_g += Fraction(wh * one.g_per_kwh, 1000)
    if left:
        rest = _residual_g(question, power, Fraction(left, total_wh), sources)
        if rest is None:
            notices.append(_residual_missing())
            rest = sum((Fraction(one.exact_g) for one in power if one.exact_g), Fraction(0)) * Fraction(left, total_wh)
        emitted_g += rest
    return round(emitted_g), total_wh - left, tuple(notices)


def factor_of(
    kind: str, order: Sequence[str], table: FactorTable, on: date, as_of: date, heat: tuple[str, str] = ("", "")
) -> Factor | NoFactor:
    """The factor by the first programme of the order that has the kind; suppliers' own rows by supplier and branch."""
    refused: NoFactor | None = None
    for programme in order:
        supplier, branch = heat if programme == "supplier" else ("", "")
        found = table.factor(kind, on=on, as_of=as_of, programme=programme, supplier=supplier, branch=branch)
        if isinstance(found, Factor):
            return found
        if refused is None or refused.code == "factor.unknown":
            refused = found
    return refused or table.factor(kind, on=on, as_of=as_of, programme="")


def _line(question: Question, one: Activity, sources: Sources) -> Line:
    share = one.within(question.first, question.after)
    start, end = max(one.start, question.first), min(one.end, question.after)
    part = Quantity(one.amount.value * share, one.unit, one.basis)
    kind = sources.rules.kinds.get(one.kind)
    line = Line(
        activity=one.id, kind=one.kind, scope=kind.scope if kind else 3, category=kind.category if kind else "", site=one.site,
        start=start, end=end, share=str(share), amount=str(part.value), unit=one.unit, co2e_g=None, exact_g="",
    )  # fmt: skip
    if kind is None:
        return msgspec.structs.replace(line, refused="activity.kind", why=one.kind)
    found = _emitted(question, one, part, kind, start, sources)
    line = msgspec.structs.replace(
        line,
        quality=max(kind.quality, ESTIMATED_SCORE) if one.estimated else kind.quality,
        energy_wh=_energy_wh(part, found, kind, sources, start),
    )
    if isinstance(found, NoFactor):
        return msgspec.structs.replace(line, refused=found.code, why=found.why.en)
    gases = _gases(found, part, sources.energy, start)
    return msgspec.structs.replace(
        line, co2e_g=found.co2e_g, exact_g=str(found.exact_g), co2_g=gases[0], ch4_g=gases[1], n2o_g=gases[2],
        factor=found.factor.id, gwp=found.factor.gwp, rules=found.rules, provisional=found.provisional,
    )  # fmt: skip


def _emitted(question: Question, one: Activity, part: Quantity, kind: Kind, on: date, sources: Sources) -> Emission | NoFactor:
    site = question.company.site(one.site)
    heat = (site.heat_supplier, site.heat_branch) if site else ("", "")
    factor = factor_of(kind.factor_kind, sources.rules.order, sources.factors, on, question.as_of, heat)
    if isinstance(factor, NoFactor):
        return factor
    if question.gwp and factor.co2_kg is not None:
        gwp: GasSet = "AR5" if question.gwp == "AR5" else "SAR"
        factor = msgspec.structs.replace(factor, gwp=gwp, total_kg=None)
    return emission(part, factor, sources.factors, sources.energy, on)


def _gases(found: Emission, part: Quantity, energy: Pack, on: date) -> tuple[int | None, int | None, int | None]:
    factor = found.factor
    if factor.co2_kg is None:
        return None, None, None
    amount = part
    if factor.heat:
        converted = energy_of(part, factor.kind, factor.heat, energy, on)
        if isinstance(converted, NoFactor):  # pragma: no cover - the emission came by the same way
            return None, None, None
        amount = converted.quantity
    per = amount.to(factor.per).value * 1_000
    co2, ch4, n2o = (round(per * Fraction(str(one))) for one in (factor.co2_kg, factor.ch4_kg, factor.n2o_kg))
    return co2, ch4, n2o


def _energy_wh(part: Quantity, found: Emission | NoFactor, kind: Kind, sources: Sources, on: date) -> int | None:
    if part.dimension == "energy":
        return part.book("Wh")
    if isinstance(found, NoFactor) or not found.factor.heat:
        return None
    converted = energy_of(part, kind.factor_kind, found.factor.heat, sources.energy, on)
    return None if isinstance(converted, NoFactor) else converted.quantity.book("Wh")


def _residual_g(question: Question, power: Sequence[Line], share: Fraction, sources: Sources) -> Fraction | None:
    total = Fraction(0)
    for one in power:
        factor = factor_of("electricity_residual", sources.rules.order, sources.factors, one.start, question.as_of)
        if isinstance(factor, NoFactor):
            return None
        found = emission(Quantity(Fraction(one.energy_wh or 0), "Wh"), factor, sources.factors, sources.energy, one.start)
        if isinstance(found, NoFactor):
            return None
        total += found.exact_g * share
    return total


def _residual_missing() -> Notice:
    return Notice(
        "residual.missing",
        Text(
            "잔여 전력 배출계수가 공표되지 않아, 계약으로 덮지 못한 전기는 전력망 평균 계수로 셌습니다.",
            "No residual mix is published: what no contract covers is counted by the grid's average factor.",
        ),
    )


def _quality(lines: Sequence[Line]) -> int:
    weight = sum(one.co2e_g or 0 for one in lines)
    if not weight:
        return 0
    return round(Fraction(sum((one.co2e_g or 0) * one.quality for one in lines) * 100, weight))


def kinds_missing(found: Footprint) -> Mapping[str, int]:
    """How many rows of each kind count nothing."""
    counts: dict[str, int] = {}
    for one in found.missing:
        counts[one.kind] = counts.get(one.kind, 0) + 1
    return counts
