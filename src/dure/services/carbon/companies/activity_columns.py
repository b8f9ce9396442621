"""What people call the columns and kinds of activity data, in Korean and English."""

from __future__ import annotations

from collections.abc import Mapping

from dure.core.text import Text
from dure.protocols.sheets.cells import BadCell, plain_heading
from dure.services.carbon.companies.activity_rules import Kind

# fmt: off
_FIELDS: tuple[tuple[str, str], ...] = (
    ("kind", ("kind 활동 활동종류 종류 구분 항목 에너지원 연료 연료명 수단 이동수단 품목 냉매 type activity fuel mode item "
     "category")),
    ("site", "site 사업장 사업장명 지점 건물 시설 sitename plant location"),
    ("meter", ("meter 계량기 계량기번호 고객번호 고객 계기번호 전자납부번호 meterid meterno meternumber customernumber "
     "customerno customer account accountnumber")),
    ("number", ("number 청구번호 고지서번호 고지번호 청구서번호 문서번호 증빙번호 전표번호 billnumber billno invoice "
     "invoicenumber invoiceno")),
    ("month", "month 월 사용월 사용년월 사용연월 청구월 청구년월 년월 연월 billingmonth yearmonth"),
    ("span", "span 기간 사용기간 검침기간 period billingperiod serviceperiod"),
    ("start", "start 시작 시작일 사용시작일 from startdate fromdate periodstart"),
    ("end", "end 종료 종료일 사용종료일 검침일 to enddate todate periodend"),
    ("date", "date 일자 날짜 사용일 출장일 구매일 day traveldate"),
    ("amount", ("amount 사용량 사용 소비량 활동량 수량 양 거리 이동거리 중량 무게 충전량 누출량 구매액 값 quantity usage "
     "consumption distance weight value spend")),
    ("unit", "unit 단위 uom units"),
    ("won", "won 금액 요금 청구금액 청구요금 비용 cost charge billamount amountwon"),
    ("reading", "reading 검침구분 계량구분 추정여부 자료구분 readtype estimated quality 품질"),
    ("note", "note 비고 메모 설명 note memo remark description"),
)
_KINDS: tuple[tuple[str, str], ...] = (
    ("electricity", "electricity electric power 전기 전력 한전 전기요금"),
    ("district_heat", "districtheat heat districtheating 지역난방 난방 열 지역열 집단에너지 steam 스팀"),
    ("city_gas", "citygas gas naturalgas lng 도시가스 가스 천연가스"),
    ("propane", "propane 프로판 lpg프로판"),
    ("butane", "butane 부탄 차량용lpg lpg"),
    ("kerosene", "kerosene 등유 실내등유 보일러등유"),
    ("diesel_boiler", "dieselboiler 보일러경유 발전기경유"),
    ("diesel", "diesel 경유 차량경유 차량용경유"),
    ("gasoline", "gasoline petrol 휘발유 가솔린 차량휘발유 차량용휘발유"),
    ("fuel_oil_bc", "fueloilbc bunkerc 중유 벙커c유 bc유"),
    ("hfc_134a", "hfc134a r134a"),
    ("hfc_32", "hfc32 r32"),
    ("r410a", "r410a"),
    ("r404a", "r404a"),
    ("sf6", "sf6 육불화황"),
    ("travel_car_gasoline", "car 승용차 자가용 출장승용차 휘발유차 petrolcar"),
    ("travel_car_diesel", "경유차 dieselcar"),
    ("travel_car_lpg", "lpg차 lpgcar"),
    ("travel_bus_city", "citybus bus 시내버스 버스"),
    ("travel_bus_express", "coach 고속버스 시외버스 expressbus"),
    ("travel_subway", "subway metro 지하철 전철"),
    ("travel_ktx", "ktx srt 고속철도 고속열차 highspeedtrain"),
    ("travel_train", "train 기차 일반열차 무궁화 새마을"),
    ("travel_air_domestic", "domesticflight 국내선 국내항공"),
    ("travel_air_long", "flight longflight 국제선 국제항공 항공"),
    ("waste_landfill", "landfill 매립"),
    ("waste_incineration", "incineration 소각"),
    ("waste_recycling", "recycling 재활용"),
    ("spend_goods", "spend goods purchase 구매 구매액 물품 용역 물품구매"),
)
# fmt: on
FIELD_OF: Mapping[str, str] = {plain_heading(word): field for field, words in _FIELDS for word in words.split()}
_KIND_OF: Mapping[str, str] = {plain_heading(word): kind for kind, words in _KINDS for word in words.split()}


def field_of(heading: str) -> str | None:
    """The field a heading stands for, whatever its case, signs and unit."""
    return FIELD_OF.get(plain_heading(heading))


def read_kind(text: str, kinds: Mapping[str, Kind]) -> Kind:
    """The kind a cell names: by its id, its name or a usual word."""
    word = plain_heading(text)
    named = {plain_heading(name): one.id for one in kinds.values() for name in (one.id, one.name.ko, one.name.en)}
    found = kinds.get(named.get(word) or _KIND_OF.get(word, ""))
    if found is None:
        raise BadCell(
            "activity.kind",
            Text(
                f"{text[:40]!r}: 모르는 활동입니다. 전기, 도시가스, 경유, KTX처럼 적어 주세요.",
                f"{text[:40]!r} is no activity we know, like electricity, city gas, diesel or KTX.",
            ),
        )
    return found
