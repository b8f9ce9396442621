"""Buildings and their months for tests of comparing and filing."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dure.core.text import Text
from dure.services.buildings.comparing.compare_rules import compare_rules
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.model import Building
from dure.services.buildings.months.month_use import MonthUse
from dure.services.buildings.months.portfolio import BuildingMonth

KNOWN_AT = datetime(2026, 2, 10, 3, 0, tzinfo=UTC)
RULES = compare_rules(date(2025, 12, 1))
YEAR = months_between("2025-01", "2025-12")


def building(name="hall", *, use="office", area_m2=4_000.0, region="hwaseong", **more):
    return Building(id=name, lon=126.83, lat=37.2, name=Text(name, name), use=use, area_m2=area_m2, region=region, **more)


def row(building_id="hall", month="2025-01", *, fuel="electricity", energy_wh=30_000_000, co2e_g=1_000, coverage=1.0, **more):
    """A month; its amount is its energy, measured unless `more` says otherwise."""
    amount = energy_wh or 0
    given = {
        "measured": amount, "estimated": 0, "substituted": 0, "filled": 0, "half_width": 0, "won": None, "provisional": False,
        "refused": "" if co2e_g is not None else "factor.unknown", "factors": ("row",), "meters": 1,
    } | more  # fmt: skip
    return BuildingMonth(
        building=building_id, month=month, fuel=fuel, book="Wh", amount=amount, energy_wh=energy_wh, co2e_g=co2e_g,
        coverage=coverage, **given,
    )  # fmt: skip


def year(building_id="hall", kwh_month=30_000, **more):
    return [row(building_id, month, energy_wh=kwh_month * 1_000, **more) for month in YEAR]


def use(meter, building_id, month, amount, **more):
    """A month of a meter as the records keep it."""
    given = {"fuel": "electricity", "part": "main", "book": "Wh", "known_at": KNOWN_AT, "measured": amount} | more
    return MonthUse(meter=meter, month=month, building=building_id, amount=amount, **given)
