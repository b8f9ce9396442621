"""Building energy of the national database by parcel (data.go.kr 15054212): its XML answer to parcel months. Pure.

One answer is of one supply, electricity or gas, and says nothing of which; `useQty` is in kWh for both. A page of it holds rows
``sigunguCd, bjdongCd, bun, ji, useYm, useQty``. The XML is read by the guarded reader of Green Button: no entities, no network.
"""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from typing import Literal

import msgspec

from dure.core.errors import InputError
from dure.core.text import Text
from dure.emissions.quantity import Quantity
from dure.protocols.green_button import Element, walk_xml
from dure.services.buildings.importing.bills import RefusedRow
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.model import SUPPLIES
from dure.services.buildings.months.derived_months import ParcelMonth

_CODE, _LOT, _MONTH = re.compile(r"\d{5}"), re.compile(r"\d{1,4}"), re.compile(r"(\d{4})(0[1-9]|1[0-2])")
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,6})?")
ParcelFuel = Literal["electricity", "city_gas"]


class ParcelFile(msgspec.Struct, frozen=True):
    """What an answer held."""

    rows: tuple[ParcelMonth, ...]
    rejected: tuple[RefusedRow, ...]


def read_parcels(body: bytes, fuel: ParcelFuel, known_at: datetime) -> ParcelFile:
    """Parcel months of an answer; refused with ``parcels.answer`` (the service says it failed), ``parcels.empty``, ``xml.…``."""
    rows: dict[tuple[str, str], ParcelMonth] = {}
    rejected: list[RefusedRow] = []
    codes: list[str] = []
    count = [0]

    def item(element: Element) -> None:
        count[0] += 1
        found = _row(element, fuel, known_at, count[0])
        if isinstance(found, RefusedRow):
            rejected.append(found)
        elif (before := rows.get((found.parcel, found.month))) is not None and before.amount != found.amount:
            ko, en = "같은 필지와 달이 두 번 있습니다.", "The parcel and month are there twice, with other amounts."
            rejected.append(_refused(count[0], "parcels.twice", f"{found.parcel}, {found.month}", ko, en))
        else:
            rows[found.parcel, found.month] = found

    walk_xml(body, {"item": item, "resultCode": lambda element: codes.append(element.text.strip())})
    if any(code.strip("0") for code in codes):
        raise InputError("parcels.answer", f"The service answered with the code {codes[0][:20]!r}. Ask it again.")
    if not count[0]:
        raise InputError("parcels.empty", "The file holds no <item> of a parcel.")
    return ParcelFile(tuple(rows[key] for key in sorted(rows)), tuple(rejected))


def _row(element: Element, fuel: Fuel, known_at: datetime, number: int) -> ParcelMonth | RefusedRow:
    words = {name: element.words(name) for name in ("sigunguCd", "bjdongCd", "bun", "ji", "useYm", "useQty")}
    content = ", ".join(f"{name}={text[:20]}" for name, text in words.items())
    lots = words["bun"] or "0", words["ji"] or "0"
    if not (_CODE.fullmatch(words["sigunguCd"]) and _CODE.fullmatch(words["bjdongCd"]) and all(map(_LOT.fullmatch, lots))):
        return _refused(number, "parcels.parcel", content, "필지를 알 수 없습니다.", "The parcel cannot be read.")
    month = _MONTH.fullmatch(words["useYm"])
    if month is None:
        return _refused(number, "parcels.month", content, "사용년월을 알 수 없습니다.", "The month cannot be read.")
    if not _AMOUNT.fullmatch(words["useQty"]):
        return _refused(number, "parcels.amount", content, "사용량을 알 수 없습니다.", "The amount cannot be read.")
    book = SUPPLIES[fuel].book
    return ParcelMonth(
        parcel=f"{words['sigunguCd']}{words['bjdongCd']}-{lots[0].zfill(4)}-{lots[1].zfill(4)}",
        month=f"{month[1]}-{month[2]}",
        fuel=fuel,
        amount=Quantity(Fraction(words["useQty"]), "kWh").book(book),
        book=book,
        known_at=known_at,
        facts={"use_kwh": words["useQty"]},
    )


def _refused(number: int, code: str, content: str, ko: str, en: str) -> RefusedRow:
    return RefusedRow(number, code, Text(ko, en), content)
