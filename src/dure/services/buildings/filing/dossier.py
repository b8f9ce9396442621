"""All that answers a question: the register as it was, months, targets and rules, and the grounds they are told by.

`gather` reads; what is made of a dossier is pure. The register has one time only, so a filing keeps its own copy of the part it
rests on (`register_of`), and is printed again with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from dure.core.text import Text
from dure.services.buildings.comparing import target_records
from dure.services.buildings.comparing.compare_rules import CompareRules, compare_rules, pack_versions
from dure.services.buildings.comparing.comparison_desk import subjects
from dure.services.buildings.comparing.spans import first_day, months_between, shifted
from dure.services.buildings.comparing.standings import Comparison, Vintage, comparison
from dure.services.buildings.comparing.targets import Target
from dure.services.buildings.factors.carbon import CarbonBook, carbon_book
from dure.services.buildings.filing import workbook
from dure.services.buildings.filing.activity import Worked, activities
from dure.services.buildings.filing.filing_rules import FilingRules, filing_rules
from dure.services.buildings.filing.question import Question
from dure.services.buildings.model import Building, Meter
from dure.services.buildings.months import month_records
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.months.portfolio import BuildingMonth, of_buildings, portfolio
from dure.services.buildings.sites import Sites

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from dure.city import City

TOLD_YEARS = 4  # earlier years that stand beside a target
PRINTED = ("months", "compared", "targets")
LAYOUT = 1  # of all that is given out; raise it when the same dossier gives other bytes


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """What a question is answered from.

    Attributes
    ----------
    chosen : the buildings asked about; `sites` holds all of the city, for peers
    uses : months of the chosen, of the year before and the span asked for
    rows : months of all buildings in the twelve months that end the period, and of earlier years where a target is told of;
        empty where nothing is compared
    zone : the city's clock
    """

    question: Question
    city: Text
    zone: str
    sites: Sites
    chosen: tuple[Building, ...]
    uses: tuple[MonthUse, ...]
    rows: tuple[BuildingMonth, ...]
    targets: tuple[Target, ...]
    book: CarbonBook
    compare: CompareRules
    rules: FilingRules
    grounds: dict[str, str]

    @property
    def months(self) -> tuple[str, ...]:
        """The twelve months of the period."""
        return months_between(shifted(self.question.last, -11), self.question.last)

    @property
    def printed_grounds(self) -> dict[str, str]:
        """Digests of what it rests on.

        Versions of rule files and programs are kept with a filing but not printed in it: a new row gives a rule file a new
        version, and must leave an old answer as it was.
        """
        return {name: value for name, value in sorted(self.grounds.items()) if name in PRINTED}

    @property
    def as_of_words(self) -> str:
        """The instant it is told of, by the city's clock."""
        return f"{self.question.as_of.astimezone(ZoneInfo(self.zone)):%Y-%m-%d %H:%M:%S} ({self.zone})"

    def worked(self, *, year_before: bool = False) -> Worked:
        """Activity of the chosen buildings in the period, or twelve months before it."""
        months = {shifted(month, -12) for month in self.months} if year_before else set(self.months)
        listed = (one for one in self.uses if one.month in months)
        return activities(listed, self.sites.meters, self.book, self.rules.units)

    def compared(self) -> Comparison:
        """How all buildings stand in the period."""
        vintage = Vintage(self.question.programme, self.book.as_of)
        return comparison(self.sites.buildings, of_buildings(self.rows), self.question.last, self.compare, vintage)


def gather(city: City, connection: Connection, question: Question, sites: Sites) -> Dossier:
    """Read what answers a question, as known at its `as_of`. Blocks."""
    folder = city.folder
    chosen = tuple(sorted(subjects(question.subject, sites.buildings.values()), key=lambda one: one.id))
    first = shifted(question.last, -23)
    found = month_records.find(connection, first, question.last, buildings=[one.id for one in chosen], as_of=question.as_of)
    uses = [one for one in found if one.source != "none"]  # of those nothing is known: the month is missing
    on = first_day(question.last)
    targets = tuple(target_records.find(connection, question.subject, as_of=question.as_of))
    rows: tuple[BuildingMonth, ...] = ()
    if question.kind != "ngms":
        told = question.kind == "report" and targets
        begin = f"{question.year - TOLD_YEARS}-01" if told else shifted(question.last, -11)
        rows = portfolio(folder, connection, sites, begin, question.last, as_of=question.as_of, programme=question.programme)
    return Dossier(
        question=question,
        city=city.name,
        zone=city.zone.key,
        sites=sites,
        chosen=chosen,
        uses=tuple(uses),
        rows=rows,
        targets=targets,
        book=carbon_book(folder, question.as_of.astimezone(UTC).date(), question.programme),
        compare=compare_rules(on, folder),
        rules=filing_rules(on, folder),
        grounds=grounds(folder, question, uses, rows, targets),
    )


def grounds(
    folder: Path | None,
    question: Question,
    uses: Iterable[MonthUse],
    rows: Iterable[BuildingMonth],
    targets: Iterable[Target],
) -> dict[str, str]:
    """What an answer rests on, in digests and versions: told when a filing printed again differs."""
    found = {f"rules.{name}": one for name, one in pack_versions(folder).items()}
    found |= {
        "months": digest((one.meter, one.month, one.known_at, one.amount, one.sha256) for one in uses),
        "compared": digest(rows),
        "targets": digest(targets),
        "dure": version("dure"),
        "layout": f"{LAYOUT}.{workbook.LAYOUT}",
        "writer": version("typst") if question.form == "pdf" else version("xlsxwriter"),
    }
    return found


def digest(values: Iterable[Any]) -> str:
    """SHA-256 of values as JSON, in their order."""
    found = hashlib.sha256()
    for one in values:
        found.update(msgspec.json.encode(one))
        found.update(b"\n")
    return found.hexdigest()


def register_of(sites: Sites, question: Question) -> dict[str, list[dict[str, Any]]]:
    """The part of the register a filing rests on, to be kept with it: all buildings where they are compared."""
    chosen = {one.id for one in subjects(question.subject, sites.buildings.values())}
    everybody = question.kind != "ngms"
    buildings = [one for one in sites.buildings.values() if everybody or one.id in chosen]
    meters = [one for one in sites.meters.values() if one.building in chosen or (everybody and one.fuel == "heat")]
    return {
        "buildings": [brief(one) for one in sorted(buildings, key=lambda one: one.id)],
        "meters": [brief(one) for one in sorted(meters, key=lambda one: one.id)],
    }


def brief(one: msgspec.Struct) -> dict[str, Any]:
    """A struct as plain values, without fields that have their usual value."""
    plain: dict[str, Any] = msgspec.to_builtins(one)
    for field in msgspec.structs.fields(one):
        value = plain.get(field.encode_name)
        usual = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        if usual is not msgspec.NODEFAULT and value == msgspec.to_builtins(usual):
            plain.pop(field.encode_name, None)
    return plain


def register_again(kept: Mapping[str, Any]) -> Sites:
    """The register as a filing kept it."""
    buildings = msgspec.convert(kept["buildings"], list[Building])
    meters = msgspec.convert(kept["meters"], list[Meter])
    return Sites({one.id: one for one in buildings}, {one.id: one for one in meters}, [])
