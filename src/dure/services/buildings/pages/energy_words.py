"""Energy, carbon, money, months and shares as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from babel.dates import format_skeleton

from dure.core.text import Text
from dure.services.buildings.comparing.peers import Level, Place
from dure.services.buildings.importing.columns import Fuel
from dure.services.buildings.reads.model import Book

if TYPE_CHECKING:
    from dure.services.buildings.publishing.spans import Span
    from dure.web.i18n import Speech

MWH_FROM_KWH = 100_000.0
LEVELS: Mapping[Level, Text] = {
    "use_size_region": Text(
        "비슷한 건물: 쓰임새, 크기, 지역이 같은 공개된 건물.", "Similar: published buildings of the same use, size and region."
    ),
    "use_size": Text(
        "비슷한 건물: 쓰임새와 크기가 같은 공개된 건물. 지역은 다를 수 있습니다.",
        "Similar: published buildings of the same use and size; their region may differ.",
    ),
    "use": Text(
        "비슷한 건물: 쓰임새가 같은 공개된 건물. 크기와 지역은 다를 수 있습니다.",
        "Similar: published buildings of the same use; size and region may differ.",
    ),
}
ABOUT_LOW, ABOUT_HIGH = 25.0, 75.0  # quartiles: between them is usual
UNITS: Mapping[Book, tuple[str, float]] = {
    "Wh": ("kWh", 1_000.0),
    "kJ": ("MJ", 1_000.0),
    "L": ("m³", 1_000.0),
    "g": ("kg", 1_000.0),
}
BY_VOLUME = ("city_gas", "water")  # what is counted in m3; oil is counted in litres


class Amount(NamedTuple):
    """A number as text, and its unit."""

    text: str
    unit: str

    def __str__(self) -> str:
        return f"{self.text}\N{NO-BREAK SPACE}{self.unit}"


def energy(wh: float | None, say: Speech) -> Amount:
    """Energy in kWh, or in MWh when there is much of it."""
    if wh is None:
        return Amount("–", "kWh")
    kwh = wh / 1_000
    if abs(kwh) >= MWH_FROM_KWH:
        return Amount(say.number(kwh / 1_000, 0 if abs(kwh) >= 10 * MWH_FROM_KWH else 1), "MWh")
    return Amount(say.number(kwh), "kWh")


def metered(amount: int, book: Book, fuel: Fuel, say: Speech) -> Amount:
    """An amount in the unit it is metered or billed in."""
    unit, size = ("L", 1.0) if book == "L" and fuel not in BY_VOLUME else UNITS[book]
    return Amount(say.number(amount / size), unit)


def carbon(grams: float | None, say: Speech) -> Amount:
    """Carbon in tonnes."""
    if grams is None:
        return Amount("–", "tCO2e")
    tonnes = grams / 1e6
    return Amount(say.number(tonnes, 0 if abs(tonnes) >= 100 else 1 if abs(tonnes) >= 1 else 2), "tCO2e")


def signed_carbon(grams: int, say: Speech) -> str:
    """A change of carbon with its sign."""
    told = carbon(abs(grams), say)
    return f"{'+' if grams > 0 else '−' if grams < 0 else '±'}{told}"


def money(won: float | None, say: Speech) -> Amount:
    """Won; much of it in units of 10,000 in Korean, of a million in English."""
    unit = say("원")
    if won is None:
        return Amount("–", unit)
    if say.language == "ko" and abs(won) >= 1_000_000:
        return Amount(say.number(won / 10_000), "만원")
    if say.language == "en" and abs(won) >= 10_000_000:
        return Amount(say.number(won / 1e6, 1), "million won")
    return Amount(say.number(won), unit)


def per_area(kwh_m2: float | None, say: Speech) -> Amount:
    """Energy use intensity."""
    return Amount(say.number(kwh_m2, 0 if kwh_m2 is not None and kwh_m2 >= 100 else 1), "kWh/m²")


def month_words(month: str, say: Speech) -> str:
    """A month of a year: 2026년 5월."""
    return str(format_skeleton("yMMM", _first(month), tzinfo=UTC, locale=say.locale))


def month_brief(month: str, say: Speech) -> str:
    """A month below a column: 5월, and with its year in January."""
    skeleton = "MMM" if say.language == "ko" or month[5:] != "01" else "MMMyy"
    return str(format_skeleton(skeleton, _first(month), tzinfo=UTC, locale=say.locale))


def span_words(span: Span, say: Speech) -> str:
    """A span of months."""
    if (span.first[5:], span.last[5:]) == ("01", "12") and span.first[:4] == span.last[:4]:
        return say("{year}년", year=span.first[:4])
    return f"{month_words(span.first, say)} ~ {month_words(span.last, say)}"


def _first(month: str) -> datetime:
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)


def change_words(change: float | None, change_min: float, say: Speech) -> str:
    """How a year stands to the one before; "" when it cannot be said."""
    if change is None:
        return ""
    percent = say.number(abs(change) * 100, 0 if abs(change) >= 0.1 else 1)
    if abs(change) < change_min:
        return say("한 해 전과 비슷합니다({sign}{n}%).", sign="−" if change < 0 else "+", n=percent)
    if change < 0:
        return say("한 해 전보다 {n}% 적게 썼습니다.", n=percent)
    return say("한 해 전보다 {n}% 많이 썼습니다.", n=percent)


def place_words(place: Place, use: str, say: Speech) -> str:
    """Is it a lot? Where a building stands among its like, in a sentence."""
    less = round(place.percentile / 100 * place.others_n)
    values = {"use": use, "n": say.number(place.others_n), "less": say.number(less)}
    if place.percentile > ABOUT_HIGH:
        return say("많이 쓰는 편입니다. 비슷한 {use} {n}곳 가운데 {less}곳이 1 m²에 이보다 적게 씁니다.", **values)
    if place.percentile < ABOUT_LOW:
        return say("적게 쓰는 편입니다. 비슷한 {use} {n}곳 가운데 이보다 적게 쓰는 곳은 {less}곳입니다.", **values)
    return say("보통입니다. 비슷한 {use} {n}곳 가운데 {less}곳이 1 m²에 이보다 적게 씁니다.", **values)
