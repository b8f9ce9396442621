"""The columns of bills and interval files by what people call them, and the fuels and units that stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.quantity import UNITS, unit_of
from dure.protocols.sheets.cells import BadCell, bracketed, plain_heading

Fuel = Literal["electricity", "pv", "city_gas", "heat", "lpg", "kerosene", "diesel", "fuel_oil_bc", "water"]

# fmt: off
_FIELDS: tuple[tuple[str, str], ...] = (
    ("meter", ("meter 계량기 계량기번호 계기 계기번호 계량기id 고객번호 전자납부번호 meterid meterno "
     "meternumber account accountnumber")),
    ("building", "building 건물 건물명 건물id 시설 시설명 기관 기관명 동 site sitename buildingname buildingid"),
    ("fuel", "fuel 연료 연료명 에너지원 에너지종류 에너지 구분 종류 energytype energysource commodity service utility"),
    ("month", ("month 월 사용월 사용년월 사용연월 청구월 청구년월 청구연월 부과년월 년월 연월 "
     "billingmonth billmonth usemonth yearmonth")),
    ("span", "span 기간 사용기간 검침기간 period billingperiod serviceperiod"),
    ("start", ("start 시작 시작일 사용시작일 시작일자 from startdate startdateutc fromdate "
     "periodstart starttime 시작시각 시작일시")),
    ("end", "end 종료 종료일 사용종료일 종료일자 검침일 to enddate todate periodend readdate endtime 종료시각 종료일시"),
    ("amount", ("amount 사용량 사용 소비량 공급량 열량 전력량 전력사용량 사용전력량 사용열량 사용량값 "
     "usage use consumption quantity energy value kwh")),
    ("unit", "unit 단위 uom units"),
    ("won", "won 금액 요금 사용요금 청구금액 청구요금 부과금액 납부금액 원 cost charge bill billamount totalcost amountwon krw"),
    ("reading", "reading 검침구분 검침방법 계량구분 실측구분 추정여부 readtype estimated readingtype quality 품질"),
    ("time", "time 일시 시각 검침일시 측정일시 측정시각 datetime timestamp 시간 계량일시 검침시각"),
    ("date", "date 일자 날짜 검침일자 일 사용일 사용일자 day"),
)
_FUELS: tuple[tuple[Fuel, str], ...] = (
    ("electricity", "electricity electric power 전기 전력 한전 전기요금"),
    ("pv", "pv solar 태양광 태양광발전 발전"),
    ("city_gas", "citygas gas naturalgas lng 도시가스 가스 천연가스"),
    ("heat", "heat districtheat districtheating steam 지역난방 난방 열 지역열 온수 집단에너지"),
    ("lpg", "lpg propane butane 엘피지 프로판 부탄"),
    ("kerosene", "kerosene 등유 실내등유 보일러등유"),
    ("diesel", "diesel 경유"),
    ("fuel_oil_bc", "fueloil bc bunkerc 중유 벙커c유 벙커씨유 bc유"),
    ("water", "water 수도 상수도 물"),
)
# fmt: on
DIMENSIONS: Mapping[Fuel, frozenset[str]] = {
    "electricity": frozenset({"energy"}),
    "pv": frozenset({"energy"}),
    "heat": frozenset({"energy"}),
    "city_gas": frozenset({"energy", "volume", "normal volume"}),
    "lpg": frozenset({"mass", "volume", "normal volume"}),
    "kerosene": frozenset({"volume"}),
    "diesel": frozenset({"volume"}),
    "fuel_oil_bc": frozenset({"volume"}),
    "water": frozenset({"volume"}),
}
_ELECTRIC_UNITS = frozenset({"Wh", "kWh", "MWh"})
FIELD_OF: Mapping[str, str] = {plain_heading(word): field for field, words in _FIELDS for word in words.split()}
FUEL_OF: Mapping[str, Fuel] = {plain_heading(word): fuel for fuel, words in _FUELS for word in words.split()}


def field_of(heading: str) -> str | None:
    """The field a heading stands for, in Korean or English, whatever its case, signs and unit."""
    return FIELD_OF.get(plain_heading(heading))


def read_fuel(text: str) -> Fuel:
    """The fuel a cell names."""
    fuel = FUEL_OF.get(plain_heading(text))
    if fuel is None:
        raise BadCell(
            "bill.fuel",
            Text(
                f"{text[:40]!r}: 모르는 에너지원입니다. 전기, 도시가스, 지역난방처럼 적어 주세요.",
                f"{text[:40]!r} is no fuel we know, like electricity or gas.",
            ),
        )
    return fuel


def read_unit(text: str, fuel: Fuel) -> str:
    """The unit a cell names; refused when the fuel is not measured in it."""
    try:
        unit = unit_of(text)
    except InputError as error:
        words = Text(
            f"{text[:40]!r}: 모르는 단위입니다. kWh, MJ, ㎥처럼 적어 주세요.",
            f"{text[:40]!r} is no unit we know, like kWh, MJ or m3.",
        )
        raise BadCell("unit.unknown", words) from error
    electric = fuel in {"electricity", "pv"}
    if UNITS[unit].dimension not in DIMENSIONS[fuel] or (electric and unit not in _ELECTRIC_UNITS):
        raise BadCell(
            "bill.unit_wrong",
            Text(
                f"{fuel} 사용량을 {unit} 단위로 적을 수 없습니다.", f"{fuel} is not billed in {unit}. Check the unit or the fuel."
            ),
        )
    return unit


def heading_unit(heading: str) -> str:
    """The unit that stands in brackets in a heading, "" where none does."""
    try:
        return unit_of(bracketed(heading))
    except InputError:
        return ""
