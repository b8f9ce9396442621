"""Pages of enrolment: a list of devices, one scanned label after the other, and labels to print."""

from __future__ import annotations

import base64
import csv
import io
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from dure.core.access import Actor
from dure.core.errors import InputError
from dure.core.text import Text
from dure.engines.records import assets, devices
from dure.engines.records.audit import By
from dure.services.environment.enrolling import enrolment_records
from dure.services.environment.enrolling.enrolment import ROWS_MAX, Batch, read_batch, read_items
from dure.services.environment.enrolling.enrolment_cells import FIELDS
from dure.services.environment.enrolling.enrolment_desk import EnrolmentDesk
from dure.services.environment.enrolling.labels import WHY as LABEL_WHY
from dure.services.environment.enrolling.labels import label_address, qr_svg, read_label
from dure.web.access import require
from dure.web.layout import house_of, language_of, layout_of
from dure.web.security import FORM_BYTES_MAX_AT, own_form
from dure.web.words import Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.core.assets import Asset
    from dure.engines.records.devices import Device
    from dure.services.environment.enrolling.enrolment_plan import Outcome
    from dure.services.environment.enrolling.labels import Label
    from dure.spine.house import House

ENROL = "/operations/environment/enrol"
SCAN = f"{ENROL}/scan"
LABELS = f"{ENROL}/labels"
ROWS_SHOWN = 1_000
LABELS_MAX = 240  # ten sheets
SHEET = 24
MANAGES = Depends(require("manage", "device"))
# The phone's camera and place are for this one page; all others forbid them (see `dure.web.security`).
SCAN_POLICY = {"Permissions-Policy": "camera=(self), microphone=(), geolocation=(self), payment=(), usb=()"}
TEMPLATE_COLUMNS = (
    "device", "dev_eui", "codec", "name", "name_en", "kind", "lat", "lon", "site", "height_m", "elevation_m", "properties",
    "network", "installed_on", "installer", "photo", "calibration_no", "calibrated_on", "calibration_due_on",
)  # fmt: skip
TEMPLATE_EXAMPLE = (
    "air-101", "24E1-2413-6B50-2217", "milesight-am308", "동탄 1호 측정점", "Dongtan point 1", "station", "37.19951", "127.07275",
    "동탄복합문화센터 옥상", "12", "48", "pm10 pm2_5 air_temperature", "시 관측망", "2026-11-24", "한빛계측", "IMG_0412.jpg",
    "KTR-2026-1234", "2026-10-01", "2027-10-01",
)  # fmt: skip
REMEMBERED = ("kind", "codec", "site", "installer", "network")
SCANNED = ("name", "kind", "codec", "device", "asset", "lon", "lat", "site", "height_m", "photo", "installer", "network")
STATES: dict[str, Word] = {
    "refused": Word(
        Text("거절", "Refused"), "danger", "cross", Text("고쳐서 다시 보내 주세요.", "Correct it and send it again.")
    ),
    "differs": Word(
        Text("다름", "Differs"), "warning", "triangle", Text("등록된 내용과 다릅니다.", "It differs from what is registered.")
    ),
    "new": Word(Text("새 장치", "New"), "success", "check", Text("새로 등록합니다.", "It is new.")),
    "changed": Word(
        Text("고침", "Changed"), "information", "diamond", Text("등록된 내용을 고칩니다.", "It changes what is registered.")
    ),
    "unchanged": Word(Text("그대로", "Unchanged"), "gray", "dash", Text("이미 같은 내용입니다.", "It is registered just so.")),
}
_FACTS = {field.name: field.title for field in FIELDS} | {
    "name_ko": Text("이름", "Name"),
    "place": Text("위치", "Position"),
    "zone": Text("구역", "Zone"),
    "calibration": Text("교정", "Calibration"),
}


_WHY: dict[str, Text] = LABEL_WHY | {
    "enrolment.empty": Text("열 이름 아래에 줄이 없습니다.", "There is no row below the heading."),
    "enrolment.too_many": Text("한 번에 너무 많습니다. 나누어 보내 주세요.", "Too many at once. Send them in parts."),
    "enrolment.no_columns": Text(
        "아는 열 이름이 없습니다. 첫 줄에 장치 이름, DevEUI, 이름, 자산 id 가운데 하나는 있어야 합니다.",
        "No heading is known: the first row must name at least a device, a DevEUI, a name, an asset id or a label.",
    ),
    "table.column_twice": Text("같은 뜻의 열이 둘입니다. 하나만 남겨 주세요.", "Two columns mean the same. Keep one."),
    "table.header_missing": Text("첫 줄에 열 이름이 없습니다.", "The first row names no columns."),
}


class Sticker(NamedTuple):
    """One label of the sheet."""

    device: Device
    asset: Asset
    eui: str
    svg: str


def routes(house: House) -> APIRouter:
    """Routes of enrolment."""
    router = APIRouter()
    pages = EnrolmentPages(house)
    for path, page, method in (
        (ENROL, pages.start, "GET"),
        (ENROL, pages.send, "POST"),
        (f"{ENROL}/template.csv", pages.template, "GET"),
        (SCAN, pages.scan, "GET"),
        (SCAN, pages.scanned, "POST"),
        (LABELS, pages.labels, "GET"),
    ):
        router.add_api_route(path, page, methods=[method])
    router.add_api_route("/environment/enrol", found_label, methods=["GET"], dependencies=[MANAGES])
    return router


async def found_label(request: Request) -> Response:
    """A phone's camera has opened Dure's own label: on to the page that knows what to do with it."""
    to = f"/{language_of(request)}{SCAN}?{urlencode({'label': str(request.url)})}"
    return RedirectResponse(to, 303)


class EnrolmentPages:
    """The pages of one house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._desk = EnrolmentDesk(house)

    async def start(self, request: Request, _: Actor = MANAGES) -> Response:
        """Where a list is pasted, or a file chosen."""
        return await self._page(request, "enrolment.html", csv="", update=False, error=None, result=None)

    async def send(self, request: Request, actor: Actor = MANAGES) -> Response:
        """Look at a list, and on the next step keep it."""
        fields = await own_form(request)
        text, update = fields.get("csv", ""), fields.get("update") == "yes"
        check = fields.get("step") != "keep"
        try:
            batch = await run_in_threadpool(read_batch, text.encode("utf-8", "replace"), self._desk.ground())
        except InputError as error:
            told = _told(error)
            return await self._page(request, "enrolment.html", status=422, csv=text, update=update, error=told, result=None)
        result = await self._desk.enrol(batch, self._by(actor), check=check, update=update)
        return await self._page(
            request,
            "enrolment.html",
            csv=text if check else "",
            update=update,
            error=None,
            result=result,
            shown=_by_need(result.items)[:ROWS_SHOWN],
            secrets=_secrets(result.items),
            new=[one.device for one in result.items if one.state == "new"][:LABELS_MAX],
            unknown=[heading for heading, field in batch.columns.items() if not field],
        )

    async def template(self, request: Request, _: Actor = MANAGES) -> Response:
        """An empty list with the headings of this language, and one row that is only an example."""
        language = language_of(request)
        out = io.StringIO()
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow([_FACTS[name](language) for name in TEMPLATE_COLUMNS])
        rows.writerow([f"# {TEMPLATE_EXAMPLE[0]}", *TEMPLATE_EXAMPLE[1:]])
        headers = {"Content-Disposition": f'attachment; filename="dure-devices-{language}.csv"'}
        return Response(b"\xef\xbb\xbf" + out.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=headers)

    async def scan(self, request: Request, _: Actor = MANAGES) -> Response:
        """Where a label is scanned, pasted or typed; one that Dure made is read at once."""
        text = request.query_params.get("label", "")[:1_000]
        kept = {name: request.query_params.get(name, "")[:200] for name in REMEMBERED}
        return await self._read(request, text, kept) if text else await self._scan_page(request, fields=kept)

    async def scanned(self, request: Request, actor: Actor = MANAGES) -> Response:
        """Read the label; on the next step enrol its device."""
        fields = await own_form(request)
        text = fields.get("label", "").strip()
        if fields.get("step") != "keep":
            return await self._read(request, text, fields)
        try:
            label = read_label(text)
            batch = await run_in_threadpool(_scanned_batch, label, fields, self._desk)
            result = await self._desk.enrol(batch, self._by(actor), update=fields.get("update") == "yes")
        except InputError as error:
            return await self._scan_page(request, status=422, text=text, fields=fields, error=_told(error))
        (one,) = result.items
        if one.state == "refused":
            known = await run_in_threadpool(self._known, label)
            return await self._scan_page(request, status=422, text=text, label=label, fields=fields, refused=one, known=known)
        kept = {name: fields.get(name, "") for name in REMEMBERED}
        return await self._scan_page(request, fields=kept, result=result, one=one)

    async def _read(self, request: Request, text: str, fields: dict[str, str]) -> Response:
        try:
            label = read_label(text)
        except InputError as error:
            return await self._scan_page(request, status=422, text=text, fields=fields, error=_told(error))
        known = await run_in_threadpool(self._known, label)
        usual = await run_in_threadpool(self._usual, label, known)
        said = {name: value for name, value in fields.items() if value}
        return await self._scan_page(request, text=text, label=label, fields=usual | said | _of_known(known), known=known)

    def _known(self, label: Label) -> tuple[Device, Asset] | None:
        with self._house.records.read() as connection:
            found = devices.by_dev_euis(connection, [label.dev_eui]) if label.dev_eui else {}
            device = next(iter(found.values()), None) or devices.find(connection, [label.device]).get(label.device)
            return (device, assets.get(connection, device.asset)) if device else None

    def _usual(self, label: Label, known: tuple[Device, Asset] | None) -> dict[str, str]:
        """What the label itself says, and the codec that its siblings have."""
        said = {name: text for name, text in label.cells().items() if name in ("device", "asset")}
        if known or not label.dev_eui:
            return said
        with self._house.records.read() as connection:
            return said | {"codec": enrolment_records.usual_codec(connection, label.dev_eui)}

    async def _scan_page(self, request: Request, **values: Any) -> Response:
        usual: dict[str, Any] = {
            "text": "",
            "label": None,
            "fields": {},
            "error": None,
            "refused": None,
            "known": None,
            "result": None,
            "one": None,
        }
        answer = await self._page(
            request, "enrolment_scan.html", **usual | {"codecs": sorted(self._house.codecs), "kinds": self._kinds()} | values
        )
        answer.headers.update(SCAN_POLICY)
        return answer

    def _kinds(self) -> list[Any]:
        return [kind for kind in self._house.kinds if kind.service == "environment"]

    async def labels(self, request: Request, _: Actor = MANAGES) -> Response:
        """Choose devices, and see the sheet of their labels as it prints."""
        asked = request.query_params
        words, chosen = asked.get("q", "").strip()[:80], asked.getlist("device")[:LABELS_MAX]

        def read() -> list[tuple[Device, Asset]]:
            with self._house.records.read() as connection:
                return enrolment_records.labelled(connection, words, chosen, LABELS_MAX)

        found = await run_in_threadpool(read)
        at = house_of(request).settings.public_url or str(request.base_url)
        stickers = [_sticker(at, device, asset) for device, asset in found] if chosen else []
        sheets = [stickers[start : start + SHEET] for start in range(0, len(stickers), SHEET)]
        return await self._page(request, "labels.html", found=found, words=words, sheets=sheets, chosen=chosen, most=LABELS_MAX)

    async def _page(self, request: Request, template: str, **values: Any) -> Response:
        say = layout_of(request).speech(request)
        crumbs = [("/operations/devices", say("장치"))]
        if template != "enrolment.html":
            crumbs.append((ENROL, say("여러 장치 등록")))
        facts: dict[str, Any] = {
            "states": STATES,
            "fact_names": _FACTS,
            "rows_max": ROWS_MAX,
            "form_bytes_max": FORM_BYTES_MAX_AT[ENROL],
        }
        return await layout_of(request).page(request, f"environment/{template}", crumbs=crumbs, **facts | values)

    def _by(self, actor: Actor) -> By:
        return By(actor.id, self._house.clock.now())


def _scanned_batch(label: Label, fields: dict[str, str], desk: EnrolmentDesk) -> Batch:
    return read_items([{name: fields.get(name, "") for name in SCANNED} | label.cells()], desk.ground())


def _of_known(known: tuple[Device, Asset] | None) -> dict[str, str]:
    """The fields of the form as the register has them."""
    if known is None:
        return {}
    device, asset = known
    found = {"name": asset.name.ko, "kind": asset.kind, "codec": device.codec, "device": device.id, "asset": asset.id}
    if asset.place is not None:
        found |= {"lon": f"{asset.place.point.lon:.6f}", "lat": f"{asset.place.point.lat:.6f}"}
    said = {
        name: str(asset.attributes[name])
        for name in ("site", "height_m", "photo", "installer", "network")
        if name in asset.attributes
    }
    return found | said


def _told(error: InputError) -> tuple[str, Text]:
    """The code of a refusal, and what it means in both languages."""
    return error.code, _WHY.get(error.code) or Text(error.message, error.message)


def _by_need(items: Sequence[Outcome]) -> list[Outcome]:
    """First what a person must look at, then the rest in order of the file."""
    order = {"refused": 0, "differs": 1}
    return sorted(items, key=lambda one: (order.get(one.state, 2 if one.noticed else 3), one.row))


def _secrets(items: Sequence[Outcome]) -> str:
    """The secrets as a file in an address: made for this one page and kept nowhere."""
    rows = [f"{one.device},{one.secret}" for one in items if one.secret]
    if not rows:
        return ""
    return "data:text/csv;base64," + base64.b64encode("\r\n".join(["device,secret", *rows, ""]).encode()).decode()


def _sticker(at: str, device: Device, asset: Asset) -> Sticker:
    eui = device.dev_eui or ""
    address = label_address(at, device=device.id, asset=asset.id, dev_eui=eui)
    grouped = " ".join(eui.upper()[start : start + 4] for start in range(0, len(eui), 4))
    return Sticker(device, asset, grouped, qr_svg(address, device.id))
