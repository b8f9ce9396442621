"""A company: who it is, where it works, within which boundary it reports. Pure.

A Korean business number has ten digits, the last of which follows from the others: the sum of the first nine times 1 3 7 1 3 7
1 3 5, plus the tens of the ninth digit times 5, and the check digit make a multiple of ten.
"""

from __future__ import annotations

import re
from datetime import date
from fractions import Fraction
from typing import Literal

import msgspec

from dure.core.errors import InputError
from dure.core.identifiers import identifier
from dure.core.text import Text
from dure.services.carbon.model import Refused

Boundary = Literal["operational_control", "financial_control", "equity_share"]
_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)
SITES_MAX = 500
WORDS_MAX = 200
AREA_M2_MAX = Fraction(10_000_000)
FIRST_YEAR = 1990


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A place of a company.

    Attributes
    ----------
    id : short name within the company
    floor_area_m2 : as written, an exact decimal [m2]; empty when it is not known
    district : id of the city's zone it lies in, empty when none
    heat_supplier, heat_branch : who delivers district heat: its factor holds for one branch only
    """

    id: str
    name: Text
    address: str
    floor_area_m2: str = ""
    district: str = ""
    heat_supplier: str = ""
    heat_branch: str = ""

    @property
    def area(self) -> Fraction | None:
        """Floor area [m2], exact."""
        return Fraction(self.floor_area_m2) if self.floor_area_m2 else None


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """A company as it reports.

    Attributes
    ----------
    business_number : ten digits
    boundary : what of it is counted; `operational_control` counts all it runs
    year_starts : month and day its reporting year begins, ``MM-DD``
    output_unit : unit of what it makes, for intensity targets; empty when it states none
    """

    id: str
    name: Text
    business_number: str
    boundary: Boundary = "operational_control"
    year_starts: str = "01-01"
    sites: tuple[Site, ...] = ()
    output_unit: str = ""

    def site(self, ident: str) -> Site | None:
        """One of its sites."""
        return next((one for one in self.sites if one.id == ident), None)

    def year(self, year: int) -> tuple[date, date]:
        """First day of a reporting year and of the next."""
        month, day = map(int, self.year_starts.split("-"))
        return date(year, month, day), date(year + 1, month, day)

    @property
    def area_m2(self) -> Fraction | None:
        """Floor area of all sites [m2]; None unless every site states one."""
        areas = [one.area for one in self.sites]
        known = [one for one in areas if one is not None]
        return sum(known, Fraction(0)) if known and len(known) == len(areas) else None


def business_number(text: str) -> str | Refused:
    """The ten digits of a business number, however it is written; refused when its check digit does not fit."""
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9]{10}", digits):
        return _refused("사업자등록번호는 숫자 10자리입니다.", "A business number has 10 digits.")
    head = [int(one) for one in digits[:9]]
    total = sum(one * weight for one, weight in zip(head, _WEIGHTS, strict=True)) + head[8] * 5 // 10
    if (10 - total % 10) % 10 != int(digits[9]):
        return _refused(
            "사업자등록번호의 검증 숫자가 맞지 않습니다. 다시 확인해 주세요.", "The check digit of the business number is wrong."
        )
    return digits


def written_number(digits: str) -> str:
    """The number as people write it: 123-45-67890."""
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"


def checked(company: Company) -> Company | Refused:
    """The company with its numbers in one form, or why it cannot be kept."""
    number = business_number(company.business_number)
    if isinstance(number, Refused):
        return number
    wrong = _wrong_words(company) or _wrong_sites(company.sites)
    if wrong is not None:
        return wrong
    return msgspec.structs.replace(company, business_number=number)


def _wrong_words(company: Company) -> Refused | None:
    if not company.name.ko.strip() or max(len(company.name.ko), len(company.name.en)) > WORDS_MAX:
        return Refused("company.name", Text("회사 이름을 적어 주세요.", "Write the company's legal name."))
    try:
        month, day = map(int, company.year_starts.split("-"))
        date(2025, month, day)  # a year without 29 February: such a year would not begin every year
    except ValueError:
        words = Text("보고 연도의 시작을 01-01처럼 적어 주세요.", "Write the first day of the reporting year like 01-01.")
        return Refused("company.year", words)
    return None


def _wrong_sites(sites: tuple[Site, ...]) -> Refused | None:
    seen: set[str] = set()
    if len(sites) > SITES_MAX:
        return Refused(
            "company.site", Text(f"사업장은 {SITES_MAX}곳까지입니다.", f"A company has at most {SITES_MAX} sites here.")
        )
    for one in sites:
        try:
            identifier(one.id, "site id")
            area = one.area
        except (InputError, ValueError, ZeroDivisionError):
            return _site(one, "이름은 영문 소문자와 숫자, 연면적은 수여야 합니다.", "its id or its floor area cannot be read.")
        if one.id in seen:
            return _site(one, "같은 사업장이 두 번 있습니다.", "it is there twice.")
        if area is not None and not 0 < area <= AREA_M2_MAX:
            return _site(one, "연면적이 있을 수 없는 값입니다.", "its floor area cannot be.")
        if not one.name.ko.strip() or len(one.address) > WORDS_MAX:
            return _site(one, "이름과 주소를 확인해 주세요.", "check its name and address.")
        seen.add(one.id)
    return None


def _site(site: Site, ko: str, en: str) -> Refused:
    return Refused("company.site", Text(f"사업장 {site.id[:40]}: {ko}", f"Site {site.id[:40]}: {en}"))


def _refused(ko: str, en: str) -> Refused:
    return Refused("company.business_number", Text(ko, en))
