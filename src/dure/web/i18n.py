"""Korean and English on screens: catalogues read at start, numbers and dates by CLDR, units as people write them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time, format_timedelta
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from dure.core.text import LANGUAGES, Language, Text
from dure.core.time import format_instant, from_us

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from starlette.requests import Request

CATALOGUES = Path(__file__).parent / "locale"
SOURCE: Language = "ko"  # templates are written in Korean
LANGUAGE_NAMES: dict[Language, str] = {"ko": "한국어", "en": "English"}
COOKIE = "dure_language"

# UCUM code -> what stands after a number on a screen, where it differs from the code.
UNIT_LABELS: dict[str, str] = {
    "1": "", "Cel": "℃", "[degF]": "℉", "m/s": "m/s", "[kn_i]": "kn", "deg": "°",
    "ug/m3": "µg/m³", "mg/m3": "mg/m³", "g/m3": "g/m³", "[ppm]": "ppm", "[ppb]": "ppb", "[ppth]": "‰",
    "W/m2": "W/m²", "dB[SPL]": "dB", "[pH]": "pH", "[NTU]": "NTU", "uS/cm": "µS/cm", "m3": "m³", "m3/s": "m³/s",
    "ug/L": "µg/L", "/dL": "/100 mL",
}  # fmt: skip
_NO_SPACE_BEFORE = frozenset({"Cel", "[degF]", "%", "deg"})


def unit_label(code: str) -> str:
    """What people write for a unit."""
    return UNIT_LABELS.get(code, code)


@lru_cache(len(LANGUAGES))
def catalogue(language: Language) -> dict[str, str]:
    """Korean source text -> text in the language; empty for Korean itself. Fuzzy entries are not used.

    A part of the house may have a file of its own beside ``dure.po``.
    """
    if language == SOURCE:
        return {}
    found: dict[str, str] = {}
    for path in sorted((CATALOGUES / language / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            found |= {
                str(message.id): str(message.string)
                for message in read_po(file, locale=language)
                if message.id and message.string and not message.fuzzy
            }
    return found


class Speech(NamedTuple):
    """How to write for one reader: language and the city's time zone."""

    language: Language
    zone: ZoneInfo

    def __call__(self, source: str, **values: object) -> str:
        """A Korean source text in the reader's language, with ``{names}`` filled in."""
        text = catalogue(self.language).get(source, source)
        return text.format(**values) if values else text

    def text(self, text: Text) -> str:
        """A name or sentence of the city's data."""
        return text(self.language)

    def number(self, value: float | None, decimals: int = 0) -> str:
        """A number with thousands separators; a dash where there is none."""
        if value is None or value != value:  # noqa: PLR0124  # NaN is the one value unlike itself
            return "–"
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return format_decimal(value, format=pattern, locale=self.language).replace("-", "−")

    def quantity(self, value: float | None, decimals: int, unit: str) -> str:
        """A number with its unit."""
        label = unit_label(unit)
        space = "" if unit in _NO_SPACE_BEFORE or not label else "\N{NO-BREAK SPACE}"
        return f"{self.number(value, decimals)}{space}{label}"

    def at(self, time_us: int) -> datetime:
        """The instant, aware in the city's zone."""
        return from_us(time_us).astimezone(self.zone)

    def instant(self, time_us: int) -> str:
        """The instant as machines read it (RFC 3339, UTC)."""
        return format_instant(from_us(time_us))

    def when(self, at: datetime) -> str:
        """Local date and time, to the minute."""
        return f"{self.day(at)} {self.clock(at)}"

    def brief(self, at: datetime) -> str:
        """Local day of the year and time, for narrow tables; the full instant stands in the markup."""
        return f"{format_skeleton('MMMd', at, tzinfo=self.zone, locale=self.locale)} {self.clock(at)}"

    def day(self, at: datetime) -> str:
        """Local date."""
        return format_date(at.astimezone(self.zone).date(), "medium", locale=self.locale)

    def clock(self, at: datetime) -> str:
        """Local time of day."""
        return format_time(at, "HH:mm", tzinfo=self.zone, locale=self.locale)

    def ago(self, age: timedelta) -> str:
        """How long ago, for people."""
        if age < timedelta(seconds=1):
            return self("방금")
        return format_timedelta(-age, add_direction=True, locale=self.locale, threshold=1.2)

    def span(self, length: timedelta) -> str:
        """A length of time, for people."""
        return format_timedelta(length, locale=self.locale, threshold=1.2)

    def sort_key(self, text: str) -> tuple[bool, str]:
        """Order of names: Korean syllables are in dictionary order by code point; Latin letters without regard to case."""
        return (not ("가" <= text[:1] <= "힣") if self.language == "ko" else "가" <= text[:1] <= "힣", text.casefold())

    @property
    def locale(self) -> Locale:
        """The CLDR locale."""
        return _locale(self.language)


@lru_cache(len(LANGUAGES))
def _locale(language: Language) -> Locale:
    return Locale.parse("ko_KR" if language == "ko" else "en_GB")


def preferred(request: Request) -> Language:
    """The language of a visitor who named none in the address: cookie, then Accept-Language, then Korean."""
    kept = request.cookies.get(COOKIE)
    for language in LANGUAGES:
        if kept == language:
            return language
    best: tuple[float, Language] = (0.0, SOURCE)
    for part in request.headers.get("accept-language", "").split(","):
        tag, _, weight = part.strip().partition(";q=")
        for language in LANGUAGES:
            if tag.lower().split("-")[0] == language and _weight(weight) > best[0]:
                best = (_weight(weight), language)
    return best[1]


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
