"""Buildings and months for tests of what is published."""

from __future__ import annotations

from datetime import date

from dure.core.text import Text
from dure.services.buildings.comparing.compare_rules import compare_rules
from dure.services.buildings.comparing.spans import months_between
from dure.services.buildings.model import SUPPLIES, Building
from dure.services.buildings.months.portfolio import BuildingMonth
from dure.services.buildings.publishing.lookup import Ground, Place, Published, published
from dure.services.buildings.publishing.publishing_rules import publishing_rules

DAY = date(2026, 11, 24)
RULES = publishing_rules(DAY)
COMPARE = compare_rules(DAY)


def building(number: int, **more) -> Building:
    """A library of 2,000 m2 and 100 people unless told otherwise."""
    usual = {"use": "library", "area_m2": 2_000.0, "people": 100, "lon": 126.8, "lat": 37.2, "region": "gyeonggi"}
    name = Text(f"{number}번 도서관", f"Library {number}")
    return Building(**({"id": f"b{number:03}", "name": name} | usual | more))


def month(of: str, when: str, kwh: float, fuel: str = "electricity", **more) -> BuildingMonth:
    """A measured month with half a kilogram of carbon per kWh."""
    supply = SUPPLIES[fuel]
    wh = round(kwh * 1_000)
    amount = wh if supply.book == "Wh" else wh * 3_600 // 1_000
    facts = {
        "energy_wh": wh if supply.energy else None, "co2e_g": round(kwh * 500) if supply.factor else 0, "won": round(kwh * 150),
        "measured": amount, "estimated": 0, "substituted": 0, "filled": 0, "half_width": 0, "coverage": 1.0,
        "provisional": False, "refused": "", "factors": ("row",), "meters": 1,
    }  # fmt: skip
    whole = {"building": of, "month": when, "fuel": fuel, "book": supply.book, "amount": amount}
    return BuildingMonth(**(whole | facts | more))


def months(of: str, first: str, last: str, kwh: float, fuel: str = "electricity", **more) -> list[BuildingMonth]:
    """Alike months."""
    return [month(of, when, kwh, fuel, **more) for when in months_between(first, last)]


def look_up(buildings, rows, zones=None) -> Published:
    """The look-up of these buildings on `DAY`; all stand in one zone unless told otherwise."""
    zones = zones or {}
    places = {one.id: Place(zones.get(one.id, "banwol"), Text("반월동", "Banwol-dong")) for one in buildings}
    return published(Ground({one.id: one for one in buildings}, places, tuple(rows), "NGMS", COMPARE), DAY, RULES)
