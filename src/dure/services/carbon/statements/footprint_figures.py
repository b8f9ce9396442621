"""Rows of a company's footprint: scopes, gases, energy, intensity, waste, data quality. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction

from dure.core.text import Text
from dure.emissions.quantity import Quantity
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.footprint import Covered, Footprint, Line
from dure.services.carbon.statements.making import Kind, Made, made, summed, unknown
from dure.services.carbon.statements.statement import FigureUnit, Part

SCOPES: dict[str, tuple[int, str, Text]] = {
    "scope1": (1, "", Text("직접 배출(스코프 1)", "Direct emissions (scope 1)")),
    "scope1-stationary": (1, "stationary", Text("고정 연소", "Stationary combustion")),
    "scope1-mobile": (1, "mobile", Text("이동 연소", "Mobile combustion")),
    "scope1-fugitive": (1, "fugitive", Text("새는 냉매와 가스", "Fugitive gases")),
    "scope2-location": (2, "", Text("간접 배출(스코프 2, 지역 기반)", "Indirect emissions (scope 2, location-based)")),
    "scope3": (3, "", Text("그 밖의 간접 배출(스코프 3)", "Other indirect emissions (scope 3)")),
}
# As the GHG Protocol names them: Corporate Value Chain (Scope 3) Standard, 2011, table 5.4.
CATEGORIES: dict[str, Text] = {
    "1": Text("범주 1: 구매한 제품과 서비스", "Category 1: Purchased goods and services"),
    "2": Text("범주 2: 자본재", "Category 2: Capital goods"),
    "3": Text("범주 3: 연료·에너지 관련 활동", "Category 3: Fuel- and energy-related activities"),
    "4": Text("범주 4: 업스트림 운송과 유통", "Category 4: Upstream transportation and distribution"),
    "5": Text("범주 5: 사업장에서 나온 폐기물", "Category 5: Waste generated in operations"),
    "6": Text("범주 6: 출장", "Category 6: Business travel"),
    "7": Text("범주 7: 직원 통근", "Category 7: Employee commuting"),
    "8": Text("범주 8: 업스트림 임차 자산", "Category 8: Upstream leased assets"),
    "9": Text("범주 9: 다운스트림 운송과 유통", "Category 9: Downstream transportation and distribution"),
    "10": Text("범주 10: 판매한 제품의 가공", "Category 10: Processing of sold products"),
    "11": Text("범주 11: 판매한 제품의 사용", "Category 11: Use of sold products"),
    "12": Text("범주 12: 판매한 제품의 폐기 처리", "Category 12: End-of-life treatment of sold products"),
    "13": Text("범주 13: 다운스트림 임대 자산", "Category 13: Downstream leased assets"),
    "14": Text("범주 14: 프랜차이즈", "Category 14: Franchises"),
    "15": Text("범주 15: 투자", "Category 15: Investments"),
}
GASES: dict[str, tuple[str, Text]] = {
    "gas-co2": ("co2_g", Text("이산화탄소(스코프 1, 기체 무게)", "Carbon dioxide (scope 1, mass of the gas)")),
    "gas-ch4": ("ch4_g", Text("메탄(스코프 1, 기체 무게)", "Methane (scope 1, mass of the gas)")),
    "gas-n2o": ("n2o_g", Text("아산화질소(스코프 1, 기체 무게)", "Nitrous oxide (scope 1, mass of the gas)")),
}
ENERGY: dict[str, tuple[Callable[[Line], bool], Text]] = {
    "energy-fuel": (lambda one: one.scope == 1, Text("연료", "Fuels")),
    "energy-electricity": (lambda one: one.category == "electricity", Text("산 전기", "Electricity bought")),
    "energy-heat": (lambda one: one.category == "heat", Text("산 열", "Heat bought")),
    "energy-total": (lambda one: one.scope in {1, 2}, Text("에너지 합계", "Energy in all")),
}
NO_AREA = Text("모든 사업장의 연면적이 있어야 계산합니다.", "It needs the floor area of every site; at least one is not known.")
NO_DATA = Text("이 기간의 활동자료가 없습니다.", "There are no activity data of this period.")
NO_GASES = Text("계수가 기체별로 공표되지 않은 줄이 있습니다.", "Some factors are not published by gas.")
NO_WASTE = Text("폐기물 자료가 없습니다.", "There are no data of waste.")


def footprint_figures(found: Footprint, covered: Sequence[Covered], contracts: Mapping[str, Contract]) -> list[Made]:
    """All rows of a footprint."""
    if not found.lines:
        return [unknown(row, Kind(group="emissions", unit="gCO2e", name=words[2]), NO_DATA) for row, words in SCOPES.items()]
    rows = [_scope(found, row) for row in SCOPES]
    rows += [_category(found, number) for number in sorted(found.scope3_g, key=int)]
    used = _used(found, covered)
    rows += [_market(found), *_gases(found), *(_energy(found, row) for row in ENERGY), *_renewable(found, used, contracts)]
    return [*rows, *_waste(found), *_quality(found)]


def intensity_figures(found: Footprint, area_m2: Fraction | None) -> list[Made]:
    """Emissions (scopes 1 and 2, location-based) and energy of a square metre."""
    name = Text("연면적당 배출(스코프 1+2, 지역 기반)", "Emissions of a square metre (scopes 1 and 2, location-based)")
    one = Kind(group="intensity", unit="mgCO2e/m2", name=name, method=found.method)
    two = Kind(group="intensity", unit="Wh/m2", name=Text("연면적당 에너지", "Energy of a square metre"), method=found.method)
    if area_m2 is None or not found.lines:
        why = NO_AREA if found.lines else NO_DATA
        return [unknown("intensity-area", one, why), unknown("energy-intensity-area", two, why)]
    grams = found.scope1_g + found.scope2_location_g
    energy_wh = sum(each.energy_wh or 0 for each in found.lines if each.scope in {1, 2})
    return [
        made("intensity-area", one, round(grams * 1000 / area_m2)),
        made("energy-intensity-area", two, round(energy_wh / area_m2)),
    ]


def _scope(found: Footprint, row: str) -> Made:
    scope, category, name = SCOPES[row]
    lines = [one for one in found.lines if one.scope == scope and category in {"", one.category}]
    amounts = {"scope1": found.scope1_g, "scope2-location": found.scope2_location_g, "scope3": sum(found.scope3_g.values())}
    amount = amounts.get(row, sum(one.co2e_g or 0 for one in lines))
    kind = Kind(
        group="scope2" if scope == 2 else "scope3" if scope == 3 else "emissions", unit="gCO2e", name=name, method=found.method
    )
    if not lines:
        return unknown(row, kind, NO_DATA)
    return summed(row, kind, amount, [part_of(found, one) for one in lines])


def _category(found: Footprint, number: str) -> Made:
    lines = [one for one in found.lines if one.scope == 3 and one.category == number]
    kind = Kind(group="scope3", unit="gCO2e", name=CATEGORIES[number], method=found.method)
    return summed(f"scope3-{number}", kind, found.scope3_g[number], [part_of(found, one) for one in lines])


def _market(found: Footprint) -> Made:
    name = Text("간접 배출(스코프 2, 시장 기반)", "Indirect emissions (scope 2, market-based)")
    kind = Kind(group="scope2", unit="gCO2e", name=name, method=found.method)
    lines = [one for one in found.lines if one.scope == 2]
    if not lines:
        return unknown("scope2-market", kind, NO_DATA)
    return made("scope2-market", kind, found.scope2_market_g, [part_of(found, one) for one in lines])


def _gases(found: Footprint) -> list[Made]:
    rows = []
    for row, (gas, name) in GASES.items():
        kind = Kind(group="emissions", unit="g", name=name, method=found.method)
        lines = [one for one in found.lines if one.scope == 1 and one.category != "fugitive" and not one.refused]
        known = [one for one in lines if getattr(one, gas) is not None]
        if not known or len(known) < len(lines):
            rows.append(unknown(row, kind, NO_GASES if lines else NO_DATA))
            continue
        grams = [(one, int(getattr(one, gas))) for one in known]
        parts = [_part(found, one, amount, "g") for one, amount in grams]
        rows.append(summed(row, kind, sum(amount for _, amount in grams), parts))
    return rows


def _energy(found: Footprint, row: str) -> Made:
    belongs, name = ENERGY[row]
    kind = Kind(group="energy", unit="Wh", name=name, method=found.method)
    lines = [one for one in found.lines if belongs(one) and one.energy_wh is not None]
    if not lines:
        return unknown(row, kind, NO_DATA)
    parts = [_part(found, one, one.energy_wh or 0, "Wh") for one in lines]
    return summed(row, kind, sum(one.energy_wh or 0 for one in lines), parts)


def _used(found: Footprint, covered: Sequence[Covered]) -> list[tuple[str, int]]:
    """Wh of each instrument that were used, in the order of the market-based rule."""
    left, used = found.electricity_wh, []
    for one in covered:
        wh = min(one.wh, left)
        left -= wh
        used.append((one.contract, wh))
    return used


def _renewable(found: Footprint, used: Sequence[tuple[str, int]], contracts: Mapping[str, Contract]) -> list[Made]:
    name = Text("계약 수단으로 덮은 전기", "Electricity covered by contractual instruments")
    kind = Kind(group="energy", unit="Wh", name=name, method=found.method)
    share = Kind(
        group="energy",
        unit="ppm",
        name=Text("산 전기 가운데 계약 수단으로 덮은 비율", "Share of bought electricity covered by instruments"),
        method=found.method,
    )
    if not found.electricity_wh:
        return [unknown("renewable-covered", kind, NO_DATA), unknown("renewable-share", share, NO_DATA)]
    parts = [Part(figure=f"row:contract:{ident}", name=_contract(contracts, ident), amount=wh, unit="Wh") for ident, wh in used]
    rows = [summed("renewable-covered", kind, found.covered_wh, parts)]
    rows.append(made("renewable-share", share, found.covered_wh * 1_000_000 // found.electricity_wh))
    for ident, wh in used:
        rows.append(made(f"contract:{ident}", Kind(group="energy", unit="Wh", name=_contract(contracts, ident)), wh))
    return rows


def _contract(contracts: Mapping[str, Contract], ident: str) -> Text:
    one = contracts[ident]
    return Text(f"{one.kind.upper()} {one.source} ({one.start} ~ {one.end - timedelta(days=1)})")


def _waste(found: Footprint) -> list[Made]:
    lines = [one for one in found.lines if one.category == "5"]
    kind = Kind(group="energy", unit="g", name=Text("폐기물", "Waste"), method=found.method)
    share = Kind(group="energy", unit="ppm", name=Text("폐기물 재활용 비율", "Share of waste recycled"), method=found.method)
    if not lines:
        return [unknown("waste-mass", kind, NO_WASTE), unknown("waste-recycled-share", share, NO_WASTE)]
    masses = [(one, round(Quantity(Fraction(one.amount), one.unit).to("g").value)) for one in lines]
    total = sum(mass for _, mass in masses)
    recycled = sum(mass for one, mass in masses if one.kind == "waste_recycling")
    rows = [summed("waste-mass", kind, total, [_part(found, one, mass, "g") for one, mass in masses])]
    if total:
        rows.append(made("waste-recycled-share", share, recycled * 1_000_000 // total))
    return rows


def _quality(found: Footprint) -> list[Made]:
    score = Kind(
        group="quality",
        unit="hundredths",
        name=Text("자료 품질(1 가장 좋음 ~ 5), 배출량 가중", "Quality of the data (1 best to 5), weighed by emissions"),
        method=found.method,
    )
    counts = {
        "rows-counted": (Text("센 자료", "Rows that count"), sum(1 for one in found.lines if not one.refused)),
        "rows-missing": (Text("계수가 없어 세지 못한 자료", "Rows that count nothing: no factor"), len(found.missing)),
        "rows-provisional": (
            Text("확인이 필요한 계수를 쓴 자료", "Rows by factors that are to be confirmed"),
            sum(1 for one in found.lines if one.provisional),
        ),
    }
    rows = [made(row, Kind(group="quality", unit="1", name=name), number) for row, (name, number) in counts.items()]
    return [made("quality", score, found.quality_hundredths), *rows]


def part_of(found: Footprint, one: Line) -> Part:
    """A line as a part of a row of emissions."""
    return _part(found, one, one.co2e_g or 0, "gCO2e")


def _part(found: Footprint, one: Line, amount: int, unit: FigureUnit) -> Part:
    note = one.refused or one.factor
    return Part(
        figure=f"carbon/company/{found.company}/{found.first.year}/activity/{one.activity}",
        name=Text(f"{one.kind} {one.site} {one.start} ~ {one.end}"),
        amount=amount,
        unit=unit,
        note=note,
    )
