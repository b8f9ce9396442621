"""The frame of every page: templates, navigation, language, and the words shared by house and services."""

from __future__ import annotations

from functools import partial
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from jinja2 import ChoiceLoader, Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from dure.core.access import Subject, Verb, may
from dure.core.text import LANGUAGES, Language, Text, with_particle
from dure.web import bar_charts, charts, words
from dure.web.access import actor_of, house_of
from dure.web.i18n import LANGUAGE_NAMES, Speech, unit_label
from dure.web.scene import page_of
from dure.web.security import CSRF_COOKIE, CSRF_FIELD, csrf_token
from dure.web.static_files import StaticFiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from dure.spine.house import House


class Stop(NamedTuple):
    """A place in the navigation: its address below the language, its name, and what one must be allowed to see it.

    Neighbours of one `section` stand together under its name.
    """

    path: str
    name: Text
    verb: Verb = "read"
    subject: Subject = "public_data"
    section: Text | None = None


class Section(NamedTuple):
    """Stops that stand together; a single one stands for itself."""

    name: Text
    stops: tuple[Stop, ...]


class Home(NamedTuple):
    """One of the homes of the house and its pages; the first is its front door."""

    id: str
    name: Text
    stops: tuple[Stop, ...]

    @property
    def sections(self) -> list[Section]:
        """Its stops in order, neighbours of one section together."""
        found: list[Section] = []
        for section, stops in groupby(self.stops, key=lambda stop: stop.section):
            together = tuple(stops)
            parts = [together] if section is not None else [(stop,) for stop in together]
            found += [Section(section if section and len(part) > 1 else part[0].name, part) for part in parts]
        return found


ENVIRONMENT = Text("환경", "Environment")
WASTE = Text("쓰레기 수거", "Waste collection")
BUILDINGS = Text("공공건물", "Public buildings")
CHARGING = Text("전기차 충전", "EV charging")
DEVICES = Text("장치와 측정값", "Devices and readings")
CARBON = Text("탄소 장부", "Carbon ledger")
SYSTEM = Text("시스템", "System")


HOMES: tuple[Home, ...] = (
    Home(
        "public",
        Text("시민", "Public"),
        (
            Stop("/", Text("지금 우리 도시", "The city now")),
            Stop("/environment", Text("공기와 물", "Air and water")),
            Stop("/environment/map", Text("환경 지도", "Map")),
            Stop("/environment/alerts", Text("알림", "Alerts")),
            Stop("/environment/values", Text("측정값", "Readings")),
            Stop("/environment/stations", Text("관측소", "Stations")),
            Stop("/environment/subscriptions", Text("내 알림", "My alerts")),
            Stop("/waste", Text("쓰레기통", "Bins")),
            Stop("/buildings", Text("공공건물", "Buildings")),
            Stop("/charging", Text("충전소", "Charging")),
            Stop("/carbon", Text("탄소 현황판", "Carbon board"), section=CARBON),
            Stop("/carbon/districts", Text("구역별 감축", "Districts"), section=CARBON),
            Stop("/carbon/practices", Text("내 실천", "My practices"), section=CARBON),
            Stop("/carbon/challenges", Text("함께 하기", "Challenges"), section=CARBON),
            Stop("/carbon/wallet", Text("내 지갑", "My wallet"), "act", "practice", CARBON),
            Stop("/carbon/household", Text("우리 집 에너지", "Energy at home"), "act", "practice", CARBON),
            Stop("/carbon/statements", Text("공개된 보고서", "Public statements"), section=CARBON),
            Stop("/carbon/log", Text("투명성 로그", "Transparency log"), section=CARBON),
        ),
    ),
    Home(
        "operations",
        Text("운영센터", "Operations centre"),
        (
            Stop("/operations", Text("현황", "Overview"), "read", "city_data"),
            Stop("/operations/environment", Text("환경 지도", "Environment map"), "read", "city_data", ENVIRONMENT),
            Stop("/operations/environment/network", Text("측정망", "Network health"), "read", "city_data", ENVIRONMENT),
            Stop("/operations/environment/alerts", Text("알림 처리", "Alert desk"), "read", "city_data", ENVIRONMENT),
            Stop("/operations/environment/calibration", Text("보정", "Calibration"), "read", "city_data", ENVIRONMENT),
            Stop("/operations/environment/enrol", Text("장치 들이기", "Onboarding"), "manage", "device", ENVIRONMENT),
            Stop("/operations/environment/rules", Text("환경 기준", "Rules and limits"), "read", "city_data", ENVIRONMENT),
            Stop("/operations/waste", Text("오늘의 계획", "Today's plan"), "read", "city_data", WASTE),
            Stop("/operations/waste/bins", Text("쓰레기통", "Bins"), "read", "city_data", WASTE),
            Stop("/operations/waste/alarms", Text("쓰레기통 경보", "Alarms of bins"), "read", "city_data", WASTE),
            Stop("/operations/waste/tickets", Text("고장 처리", "Tickets"), "read", "city_data", WASTE),
            Stop("/operations/waste/reports", Text("시민 신고", "Citizens' reports"), "read", "city_data", WASTE),
            Stop("/operations/waste/savings", Text("절감", "Savings"), "read", "city_data", WASTE),
            Stop("/operations/waste/placement", Text("통과 센서의 자리", "Placement"), "read", "city_data", WASTE),
            Stop("/operations/waste/rules", Text("수거 기준", "Rules and limits"), "read", "city_data", WASTE),
            Stop("/operations/buildings", Text("건물 현황", "Portfolio"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/findings", Text("찾은 낭비", "Findings"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/measures", Text("개선 사업", "Measures and savings"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/meters", Text("계량기", "Meters"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/imports", Text("자료 넣기", "Imports"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/comparison", Text("비교와 등급", "Comparison"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/targets", Text("목표", "Targets"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/filings", Text("제출", "Filings"), "read", "city_data", BUILDINGS),
            Stop("/operations/buildings/rules", Text("건물 기준", "Rules and factors"), "read", "city_data", BUILDINGS),
            Stop("/operations/charging", Text("충전기 상황", "Charger desk"), "read", "city_data", CHARGING),
            Stop("/operations/charging/sites", Text("에너지 흐름", "Energy flows"), "read", "city_data", CHARGING),
            Stop("/operations/charging/plans", Text("충전 계획", "Plans"), "read", "city_data", CHARGING),
            Stop("/operations/charging/sessions", Text("충전 기록", "Sessions"), "read", "city_data", CHARGING),
            Stop("/operations/charging/tokens", Text("회원 카드", "Tokens"), "read", "city_data", CHARGING),
            Stop("/operations/charging/origin", Text("전력 출처 장부", "Origin ledger"), "read", "city_data", CHARGING),
            Stop("/operations/charging/studies", Text("설비 규모 검토", "Sizing studies"), "read", "city_data", CHARGING),
            Stop("/operations/charging/rules", Text("충전 기준", "Rules and tariffs"), "read", "city_data", CHARGING),
            Stop("/operations/carbon/queue", Text("검증 대기", "Verification"), "read", "verification", CARBON),
            Stop("/operations/carbon/practices", Text("실천 확인", "Practices"), "read", "verification", CARBON),
            Stop("/operations/carbon/claims", Text("청구", "Claims"), "read", "ledger", CARBON),
            Stop("/operations/carbon/programmes", Text("사업과 예산", "Programmes and budgets"), "read", "ledger", CARBON),
            Stop("/operations/carbon/sponsoring", Text("후원", "Sponsoring"), "read", "ledger", CARBON),
            Stop("/operations/carbon/ledger", Text("장부", "Ledger"), "read", "ledger", CARBON),
            Stop("/operations/carbon/inventory", Text("구역별 감축", "Districts"), "read", "ledger", CARBON),
            Stop("/operations/carbon/explain", Text("탄소 숫자의 근거", "Carbon figures"), "read", "ledger", CARBON),
            Stop("/operations/carbon/rules", Text("탄소 기준", "Rules and factors"), "read", "city_data", CARBON),
            Stop("/operations/devices", Text("장치", "Devices"), "read", "device", DEVICES),
            Stop("/operations/parked", Text("보류된 측정값", "Parked readings"), "read", "parked", DEVICES),
            Stop("/operations/explain", Text("근거 찾기", "Explain"), "read", "city_data", DEVICES),
            Stop("/operations/health", Text("시스템 상태", "System health"), "read", "system", SYSTEM),
            Stop("/operations/users", Text("사용자", "Users"), "read", "user", SYSTEM),
            Stop("/operations/audit", Text("감사 기록", "Audit log"), "read", "audit", SYSTEM),
        ),
    ),
    Home(
        "field",
        Text("현장", "Field"),
        (Stop("/field/waste", Text("오늘의 수거", "Today's collection"), "act", "field_work"),),
    ),
    Home(
        "partners",
        Text("데이터·기업", "Data and companies"),
        (
            Stop("/data", Text("데이터와 API", "Data and API")),
            Stop("/partners/companies", Text("우리 회사와 후원", "My company and sponsoring"), "read", "company"),
            Stop("/partners/statements", Text("보고서", "Statements"), "read", "company"),
        ),
    ),
)


class Crumb(NamedTuple):
    """A step of the way to this page."""

    path: str
    name: str


class Layout:
    """Templates with everything a page needs around them."""

    def __init__(self, house: House, static: StaticFiles) -> None:
        self.house = house
        self.static = static
        self.environment = Environment(
            loader=ChoiceLoader([PackageLoader("dure.web"), PrefixLoader(_service_templates(house))]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals.update(
            static=static.url,
            with_particle=with_particle,
            unit_label=unit_label,
            city=house.city,
            languages=LANGUAGES,
            language_names=LANGUAGE_NAMES,
            csrf_field=CSRF_FIELD,
            chart=charts.line_chart,
            stacked_chart=bar_charts.stacked_chart,
            line_over=bar_charts.line_over,
            heat_map=bar_charts.heat_map,
            swatch=bar_charts.swatch,
            words=words,
            page_of=partial(page_of, house),
            tiles_url=house.city.folder.joinpath("map.pmtiles").exists(),
        )

    def speech(self, request: Request) -> Speech:
        """How to write for this reader: the language stands first in the address."""
        return Speech(language_of(request), self.house.city.zone)

    async def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        crumbs: Sequence[tuple[str, str]] = (),
        **values: Any,
    ) -> Response:
        """A page for this reader."""
        actor = await actor_of(request)
        speech = self.speech(request)
        token = csrf_token(request)
        prefix = f"/{speech.language}"
        path = request.url.path.removeprefix(prefix) or "/"
        html = self.environment.get_template(template).render(
            _=speech,
            lang=speech.language,
            say=speech,
            actor=actor,
            may=lambda verb, subject: may(actor, verb, subject),
            path=path,
            query=request.url.query,
            url=lambda to: prefix + to,
            homes=_homes_for(actor),
            home=_home_of(path),
            stop=_stop_of(path),
            crumbs=[Crumb(prefix + to, name) for to, name in crumbs],
            csrf=token,
            seq=max((one.seq for one in self.house.live.all()), default=0),
            now=self.house.clock.now(),
            status_names={name: say_word.name(speech.language) for name, say_word in words.STATUSES.items()},
            high_contrast=request.cookies.get("dure_contrast") == "high",
            **values,
        )
        answer = HTMLResponse(html, status, headers={"Content-Language": speech.language, "Vary": "Cookie, Accept-Language"})
        if request.cookies.get(CSRF_COOKIE) != token:
            answer.set_cookie(CSRF_COOKIE, token, httponly=True, samesite="lax", secure=https(self.house), path="/")
        return answer


def https(house: House) -> bool:
    """Whether people reach the house by https."""
    return house.settings.public_url.startswith("https://")


def layout_of(request: Request) -> Layout:
    """The layout of the running app."""
    layout: Layout = request.app.state.layout
    return layout


def language_of(request: Request) -> Language:
    """The language in the address."""
    first = request.url.path.strip("/").split("/", 1)[0]
    return "en" if first == "en" else "ko"


def _service_templates(house: House) -> dict[str, PackageLoader]:
    """The template folder of each service that has pages, under the service's name."""
    return {
        service.name: PackageLoader(f"dure.services.{service.name}")
        for service in house.services
        if resources.files(f"dure.services.{service.name}").joinpath("templates").is_dir()
    }


def _homes_for(actor: Any) -> list[Home]:
    shown = []
    for home in HOMES:
        stops = tuple(stop for stop in home.stops if may(actor, stop.verb, stop.subject))
        if stops:
            shown.append(Home(home.id, home.name, stops))
    return shown


def _stop_of(path: str) -> Stop:
    fitting = [stop for home in HOMES for stop in home.stops if path == stop.path or path.startswith(stop.path.rstrip("/") + "/")]
    return max(fitting, key=lambda stop: len(stop.path))


def _home_of(path: str) -> str:
    stop = _stop_of(path)
    return next(home.id for home in HOMES if stop in home.stops)


__all__ = ["HOMES", "Crumb", "Home", "Layout", "Section", "Stop", "house_of", "https", "language_of", "layout_of"]
