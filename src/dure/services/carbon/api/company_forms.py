"""What the routes of companies take and give."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from dure.core.access import Actor
from dure.core.errors import Conflict, InputError
from dure.core.text import Text
from dure.emissions.conversion import Refused as NoFactor
from dure.services.carbon.companies.activity_desk import Asked
from dure.services.carbon.companies.company import Company, Site
from dure.services.carbon.companies.contracts import Contract
from dure.services.carbon.companies.targets import Standing, Target
from dure.web.access import require
from dure.web.api.queries import Paged, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dure.services.carbon.companies.bridging import CompanyBridge
    from dure.services.carbon.model import Refused

NO_ZERO = r"^[^\x00]*$"
SeesCompany = Annotated[Actor, Depends(require("read", "company"))]
ActsForCompany = Annotated[Actor, Depends(require("act", "company"))]


class CompanyQuery(Paged):
    """Which rows."""


class YearQuery(BaseModel):
    """Which reporting year, as it was known when."""

    model_config = ConfigDict(extra="forbid")

    year: int = Field(ge=1990, le=2100, description="The reporting year, by the year it begins in.", examples=[2026])
    as_of: str | None = Field(None, description="As it was known at this instant (RFC 3339).", examples=["2026-11-24T00:00:00Z"])
    gwp: Literal["", "SAR", "AR5"] = Field("", description="Warming potentials for factors published by gas; empty: their own.")


class SiteForm(BaseModel):
    """A place of a company."""

    id: str = Field(max_length=64, pattern=NO_ZERO, description="Short name within the company.", examples=["plant"])
    name_ko: str = Field(max_length=200, pattern=NO_ZERO, description="Name in Korean.")
    name_en: str = Field("", max_length=200, pattern=NO_ZERO, description="Name in English.")
    address: str = Field("", max_length=200, pattern=NO_ZERO, description="Where it is.")
    floor_area_m2: str = Field("", max_length=20, pattern=r"^(\d{1,9}(\.\d{1,4})?)?$", description="Floor area [m2], exact.")
    district: str = Field("", max_length=64, pattern=NO_ZERO, description="District of the city.")
    heat_supplier: str = Field("", max_length=60, pattern=NO_ZERO, description="Who delivers district heat.", examples=["KDHC"])
    heat_branch: str = Field("", max_length=60, pattern=NO_ZERO, description="Its branch, whose factor counts.")

    def site(self) -> Site:
        """The same, as a noun."""
        words = self.model_dump(exclude={"name_ko", "name_en"})
        return Site(name=Text(self.name_ko, self.name_en), **words)


class CompanyFields(BaseModel):
    """A company's profile."""

    name_ko: str = Field(max_length=200, pattern=NO_ZERO, description="Legal name in Korean.")
    name_en: str = Field("", max_length=200, pattern=NO_ZERO, description="Legal name in English.")
    business_number: str = Field(
        "", max_length=20, pattern=NO_ZERO, description="Ten digits with a check digit; kept as first entered."
    )
    boundary: Literal["operational_control", "financial_control", "equity_share"] = Field(
        "operational_control", description="What of it is counted."
    )
    year_starts: str = Field("01-01", max_length=5, pattern=NO_ZERO, description="First day of the reporting year, MM-DD.")
    sites: list[SiteForm] = Field([], max_length=500, description="Its places.")
    output_unit: str = Field("", max_length=40, pattern=NO_ZERO, description="Unit of what it makes.")

    def company(self, ident: str) -> Company:
        """The same, as a noun."""
        return Company(
            id=ident,
            name=Text(self.name_ko, self.name_en),
            business_number=self.business_number,
            boundary=self.boundary,
            year_starts=self.year_starts,
            sites=tuple(one.site() for one in self.sites),
            output_unit=self.output_unit,
        )


class NewCompany(CompanyFields):
    """A new company."""

    id: str = Field(max_length=64, pattern=NO_ZERO, description="Short name in addresses.", examples=["acme"])


class NewMeter(BaseModel):
    """A customer number."""

    kind: Literal["electricity", "city_gas", "district_heat"] = Field(description="What the supplier delivers.")
    number: str = Field(max_length=60, pattern=NO_ZERO, description="As it stands on the bill.")
    site: str = Field("", max_length=64, pattern=NO_ZERO, description="Site it serves.")


class Person(BaseModel):
    """Somebody with an account."""

    person: str = Field(max_length=64, pattern=NO_ZERO, description="Id of the account.")


class FileQuery(BaseModel):
    """How a file is to be read."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=200, description="Name of the file, for the list.")
    kind: str = Field("", max_length=40, description="Kind of activity of a file that has no such column.", examples=["diesel"])
    unit: str = Field("", max_length=20, description="Unit of a file that states none.", examples=["L"])
    sheet: str = Field("", max_length=100, description="Sheet of a workbook; the first when absent.")

    def asked(self) -> Asked:
        """The same, for the desk."""
        for name in ("name", "kind", "unit", "sheet"):
            text(getattr(self, name), name)
        return Asked(name=self.name, kind=self.kind, unit=self.unit, sheet=self.sheet)


class BringQuery(FileQuery):
    """How a file is to be taken."""

    rest: bool = Field(default=False, description="Take the rows that can be, leave the others.")


class HoursQuery(BaseModel):
    """Whose hours."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=100, description="Number of the meter, or the source (`plant/…`, `charging/SITE/pv`).")
    unit: str = Field("", max_length=20, description="Unit of a file that states none: kWh or Wh.")
    sheet: str = Field("", max_length=100, description="Sheet of a workbook; the first when absent.")


class NewContract(BaseModel):
    """An instrument: a share of a source, or a fixed amount."""

    kind: str = Field(max_length=40, pattern=NO_ZERO, description="`direct`, `ppa`, `rec` or `green_tariff`.", examples=["ppa"])
    source: str = Field(max_length=200, pattern=NO_ZERO, description="What generates, or serials of certificates.")
    start: date = Field(description="First day.")
    end: date = Field(description="Day after the last.")
    region: str = Field("KR", max_length=20, pattern=NO_ZERO, description="Grid region of the source.")
    share_ppm: int = Field(0, ge=0, le=1_000_000, description="Millionths of what the source generates.")
    amount_wh: int = Field(0, ge=0, le=10**15, description="A fixed amount of the whole period [Wh].")
    note: str = Field("", max_length=200, pattern=NO_ZERO, description="For people.")

    def contract(self, company: str) -> Contract:
        """The same, as a noun."""
        return Contract(company=company, **self.model_dump())


class NewTarget(BaseModel):
    """A goal."""

    covers: Literal["scope12-market", "scope12-location", "scope1", "scope2-market", "scope2-location", "scope3"] = Field(
        description="What falls."
    )
    measure: Literal["absolute", "per_m2", "per_output"] = Field("absolute", description="Of all, per floor area, per output.")
    base_year: int = Field(ge=1990, le=2100, description="Base year.", examples=[2020])
    base_g: int = Field(gt=0, le=10**18, description="Emissions of the base year [gCO2e].")
    year: int = Field(ge=1990, le=2100, description="By when.", examples=[2030])
    cut_ppm: int = Field(gt=0, le=1_000_000, description="How much less, millionths.", examples=[400000])
    base_per: str = Field(
        "1", max_length=30, pattern=r"^\d{1,18}(\.\d{1,6})?$", description="Floor area or output of the base year."
    )

    def target(self, company: str) -> Target:
        """The same, as a noun."""
        return Target(id="", company=company, **self.model_dump())


class StandingForm(msgspec.Struct, frozen=True, kw_only=True):
    """A year of a target: the line, the year [g, g/m2], how far above the line [millionths of the base]."""

    year: int
    path: float
    actual: float | None
    behind_ppm: int | None


class TargetForm(msgspec.Struct, frozen=True, kw_only=True):
    """A target and where it stands."""

    target: Target
    years: tuple[StandingForm, ...]


class BridgeForm(msgspec.Struct, frozen=True, kw_only=True):
    """Change of energy's emissions in whole grams; the four effects sum to `after_g` - `before_g`."""

    before_g: int
    after_g: int
    activity_g: int
    factor_g: int
    weather_g: int
    area_g: int
    outside_before_g: int
    outside_after_g: int
    weather_known: bool


def target_form(target: Target, years: Sequence[Standing]) -> TargetForm:
    """For the wire."""
    rows = tuple(
        StandingForm(
            year=one.year,
            path=float(one.path),
            actual=None if one.actual is None else float(one.actual),
            behind_ppm=one.behind_ppm,
        )
        for one in years
    )
    return TargetForm(target=target, years=rows)


def bridge_form(found: CompanyBridge | NoFactor) -> BridgeForm:
    """For the wire; refused with the code of the bridge."""
    if isinstance(found, NoFactor):
        raise InputError(found.code, found.why.en)
    outside: dict[str, Any] = {name: getattr(found, name) for name in ("outside_before_g", "outside_after_g", "weather_known")}
    return BridgeForm(**msgspec.structs.asdict(found.bridge), **outside)


def conflict(why: Refused) -> Conflict:
    """The refusal as an error."""
    return Conflict(why.code, why.reason.en, reason=why.reason)
