"""Green Button (ESPI in an Atom feed, NAESB REQ.21) to values and back, and the guarded XML reading it rests on.

The parser is the standard library's expat with every door shut: a document type declaration is refused, so there are no entities,
internal or external, and no network; size, depth, number of elements and length of text are limited. What is read is streamed:
a reading's elements are dropped once it is read.

Samples in the wild bend the standard: prefixed or default namespaces, `id` and links after the content, links that lead nowhere,
fractional starts, an empty `kind`, one start for all readings. All are read; what cannot be trusted is told as a notice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from html import escape
from typing import NamedTuple
from xml.parsers import expat

import msgspec

from dure.core.errors import InputError, TooLarge
from dure.core.observations import Rejected
from dure.core.text import Text

BYTES_MAX = 50 * 1024 * 1024
ELEMENTS_MAX = 5_000_000
DEPTH_MAX = 64
TEXT_MAX = 100_000
US_PER_S = 1_000_000

DURATION_S_MAX = 10 * 366 * 86_400
POWER_MAX = 12
_IN_SECONDS, _WHOLE = re.compile(r"\d{1,11}(\.\d{1,9})?"), re.compile(r"-?\d{1,14}")

# ESPI UnitSymbolKind by UCUM code.
UNITS: Mapping[int, str] = {31: "J", 42: "m3", 72: "Wh", 119: "[cft_i]", 132: "[Btu_IT]", 134: "L", 169: "[therm]"}

_NOTICES: Mapping[str, Text] = {
    "green_button.unlinked": Text(
        "어느 계량값에 속하는지 알 수 없는 구간이 있습니다.", "A block belongs to no MeterReading of the feed."
    ),
    "green_button.unit": Text("값의 단위가 없거나 모르는 단위입니다.", "The unit of the readings is not stated or not known."),
    "green_button.outside_block": Text("자기 구간 밖에 있는 값이 있습니다.", "Readings lie outside the span of their block."),
    "green_button.start_repeated": Text(
        "여러 값의 시작 시각이 같아 시작 시각을 믿을 수 없습니다. 검침일을 확인해 주세요.",
        "Several readings have one start: the starts of the file cannot be true. Ask for the dates of the reads.",
    ),
}


class Element:
    """An XML element: its name without namespace, attributes, text and children."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.text = ""
        self.children: list[Element] = []

    def child(self, name: str) -> Element | None:
        """The first child of that name."""
        return next((one for one in self.children if one.name == name), None)

    def words(self, *path: str) -> str:
        """Text of the element a path of names leads to, "" where there is none."""
        found: Element | None = self
        for name in path:
            found = found.child(name) if found is not None else None
        return found.text.strip() if found is not None else ""


class _Walk:
    """Builds elements, hands over those that are wanted, and drops them."""

    def __init__(self, wanted: Mapping[str, Callable[[Element], None]]) -> None:
        self.wanted = wanted
        self.open: list[Element] = [Element("", {})]
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > ELEMENTS_MAX or len(self.open) > DEPTH_MAX:
            raise TooLarge("xml.too_large", f"The XML has over {ELEMENTS_MAX:,} elements or is over {DEPTH_MAX} deep.")
        local = {key.rpartition("}")[2]: value for key, value in attributes.items()}
        self.open.append(Element(name.rpartition("}")[2], local))

    def end(self, _name: str) -> None:
        element = self.open.pop()
        take = self.wanted.get(element.name)
        if take is None:
            self.open[-1].children.append(element)
        else:
            take(element)

    def text(self, text: str) -> None:
        element = self.open[-1]
        element.text += text
        if len(element.text) > TEXT_MAX:
            raise TooLarge("xml.too_large", f"An element of the XML holds more than {TEXT_MAX:,} characters.")


def walk_xml(body: bytes, wanted: Mapping[str, Callable[[Element], None]]) -> None:
    """Call back with every wanted element when it closes; refused with ``xml.doctype``, ``xml.broken`` or ``xml.too_large``."""
    if len(body) > BYTES_MAX:
        raise TooLarge("xml.too_large", f"The XML is {len(body):,} bytes; at most {BYTES_MAX:,} are read. Send it in parts.")
    walk = _Walk(wanted)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = walk.start
    parser.EndElementHandler = walk.end
    parser.CharacterDataHandler = walk.text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(body, True)  # noqa: FBT003 - the call of pyexpat: this is the whole document
    except (expat.ExpatError, ValueError) as error:  # ValueError: an encoding that expat does not know
        raise InputError("xml.broken", f"The XML cannot be read: {error}. Correct it there, or save it as UTF-8.") from error


def _refuse_doctype(*_declaration: object) -> None:
    raise InputError(
        "xml.doctype", "The XML declares a document type or entities. Remove the <!DOCTYPE ...> part; it is never read."
    )


class Reading(msgspec.Struct, frozen=True, omit_defaults=True):
    """An interval reading as stated: start [µs since 1970 UTC], duration [s], value and cost in the units of its reading type."""

    start_us: int
    duration_s: int
    value: int
    qualities: tuple[int, ...] = ()
    cost: int | None = None


class Block(msgspec.Struct, frozen=True):
    """Readings that were sent together, and the span they claim."""

    start_us: int | None
    duration_s: int | None
    readings: tuple[Reading, ...]


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One meter reading."""

    href: str = ""  # its own link, "" when the feed has none
    title: str = ""
    usage_point: str = ""
    service_kind: int | None = None  # ESPI ServiceKind: 0 electricity, 1 gas, 2 water, ...; None when not stated
    reading_type: dict[str, int] = {}  # the numbers of its ReadingType as stated: uom, powerOfTenMultiplier, ...
    blocks: tuple[Block, ...] = ()  # in the order of the feed
    starts_trusted: bool = True  # False when the starts cannot be true

    @property
    def readings(self) -> tuple[Reading, ...]:
        """All readings, in the order of the feed."""
        return tuple(reading for block in self.blocks for reading in block.readings)

    @property
    def unit(self) -> str:
        """UCUM code of its unit, "" when it is not stated or not known."""
        return UNITS.get(self.reading_type.get("uom", -1), "")

    @property
    def multiplier(self) -> Fraction:
        """What a value is multiplied by to be in `unit`; 0 when what is stated is beyond all measure."""
        power = self.reading_type.get("powerOfTenMultiplier", 0)
        return Fraction(10) ** power if abs(power) <= POWER_MAX else Fraction(0)


class Notice(msgspec.Struct, frozen=True):
    """Something of a feed that a person should know: a stable code, and words."""

    code: str
    why: Text


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """A Green Button file. `rejected` are readings that cannot be read, counted from 1 in the order of the file."""

    title: str = ""
    local_time: dict[str, str] = {}
    series: tuple[Series, ...] = ()
    notices: tuple[Notice, ...] = ()
    rejected: tuple[Rejected, ...] = ()


def read_feed(body: bytes) -> Feed:
    """The series of a Green Button file; refused as `walk_xml` does, and with ``green_button.no_series``."""
    reader, title = _Reader(), [""]
    wanted = {"IntervalReading": reader.reading, "IntervalBlock": reader.block, "entry": reader.entry}
    walk_xml(body, {**wanted, "feed": lambda feed: title.append(feed.words("title"))})
    if not reader.blocks and not reader.rejected:
        raise InputError("green_button.no_series", "The file holds no IntervalBlock with readings. Is it a Green Button feed?")
    series = tuple(reader.series())
    notices, rejected = tuple(reader.notices.values()), tuple(reader.rejected)
    return Feed(title=title[-1], local_time=reader.local_time, series=series, notices=notices, rejected=rejected)


class _Entry(NamedTuple):
    """An Atom entry without its content: its own link, those it leads to, and its title."""

    href: str
    related: frozenset[str]
    title: str

    def holds(self, other: str) -> bool:
        """Whether a link lies under the entry's own."""
        return bool(self.href) and f"{other}/".startswith(f"{self.href}/")


class _Reader:
    """Gathers entries; what belongs together is known only when the feed is over."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.pending: list[Block] = []
        self.blocks: list[tuple[str, list[Block]]] = []  # (link of the entry, its blocks)
        self.entries: dict[str, list[tuple[_Entry, Element]]] = {}
        self.local_time: dict[str, str] = {}
        self.notices: dict[str, Notice] = {}
        self.rejected: list[Rejected] = []
        self.count = 0

    def reading(self, element: Element) -> None:
        self.count += 1
        try:
            duration_s = _whole(element.words("timePeriod", "duration"))
            qualities = tuple(_whole(one.words("quality")) for one in element.children if one.name == "ReadingQuality")
            cost = element.words("cost")
            value, start_us = _whole(element.words("value")), _us(element.words("timePeriod", "start"))
            found = Reading(start_us, duration_s, value, qualities, _whole(cost) if cost else None)
        except ValueError as error:
            self.rejected.append(
                Rejected(self.count, "green_button.reading", f"A number of the reading is missing or wrong: {error}.")
            )
            return
        if found.duration_s <= 0 or found.duration_s > DURATION_S_MAX:
            self.rejected.append(Rejected(self.count, "green_button.duration", f"The reading lasts {found.duration_s} s."))
            return
        self.readings.append(found)

    def block(self, element: Element) -> None:
        start, duration = element.words("interval", "start"), element.words("interval", "duration")
        span = (_us(start), int(duration)) if _IN_SECONDS.fullmatch(start) and _WHOLE.fullmatch(duration) else (None, None)
        self.pending.append(Block(span[0], span[1], tuple(self.readings)))
        self.readings = []

    def entry(self, element: Element) -> None:
        links = [one.attributes for one in element.children if one.name == "link"]
        own = next((one.get("href", "") for one in links if one.get("rel") == "self"), "")
        entry = _Entry(
            own, frozenset(one.get("href", "") for one in links if one.get("rel") == "related"), element.words("title")
        )
        if self.pending:
            self.blocks.append((own, self.pending))
            self.pending = []
        content = element.child("content")
        for resource in content.children if content is not None else ():
            if resource.name == "LocalTimeParameters":
                self.local_time = {one.name: one.text.strip() for one in resource.children}
            self.entries.setdefault(resource.name, []).append((entry, resource))

    def series(self) -> list[Series]:
        """Blocks by the MeterReading whose link theirs begins with; a feed with one MeterReading needs no links."""
        meters = [entry for entry, _ in self.entries.get("MeterReading", [])]
        groups: dict[int, list[Block]] = {}
        for href, blocks in self.blocks:
            place = next((n for n, meter in enumerate(meters) if meter.holds(href)), 0 if len(meters) == 1 else -1)
            if place < 0:
                self._notice("green_button.unlinked")
            groups.setdefault(place, []).extend(blocks)
        nobody = _Entry("", frozenset(), "")
        return [self._one(meters[place] if place >= 0 else nobody, blocks) for place, blocks in groups.items()]

    def _one(self, meter: _Entry, blocks: list[Block]) -> Series:
        kind = self._of("ReadingType", lambda own: own.href in meter.related)
        point = self._of("UsagePoint", lambda own: own.holds(meter.href) or meter.href in own.related)
        numbers = {one.name: _integer(one.text) for one in kind[1].children} if kind else {}
        found = Series(
            href=meter.href,
            title=meter.title,
            usage_point=point[0].title if point else "",
            service_kind=_integer(point[1].words("ServiceCategory", "kind")) if point else None,
            reading_type={name: number for name, number in numbers.items() if number is not None},
            blocks=tuple(blocks),
        )
        return self._judged(found)

    def _of(self, name: str, belongs: Callable[[_Entry], bool]) -> tuple[_Entry, Element] | None:
        """The resource of that name that belongs; the only one of the feed belongs anyway."""
        held = self.entries.get(name, [])
        linked = [one for one in held if belongs(one[0])]
        return next(iter(linked or (held if len(held) == 1 else [])), None)

    def _judged(self, series: Series) -> Series:
        """The series, with what cannot be trusted told."""
        readings = series.readings
        if not series.unit or abs(series.reading_type.get("powerOfTenMultiplier", 0)) > POWER_MAX:
            self._notice("green_button.unit")
        if any(_outside(block, reading) for block in series.blocks for reading in block.readings):
            self._notice("green_button.outside_block")
        if len({reading.start_us for reading in readings}) == len(readings):
            return series
        self._notice("green_button.start_repeated")
        return msgspec.structs.replace(series, starts_trusted=False)

    def _notice(self, code: str) -> None:
        self.notices[code] = Notice(code, _NOTICES[code])


def _whole(text: str) -> int:
    """A whole number of an ESPI Int48."""
    number = int(text)
    if abs(number) >= 1 << 47:
        raise ValueError(f"{text[:40]} is out of range")
    return number


def _us(text: str) -> int:
    """Microseconds of seconds in decimals, to the microsecond."""
    if not _IN_SECONDS.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is no time in seconds since 1970")
    return round(Fraction(text) * US_PER_S)


def _integer(text: str) -> int | None:
    return int(text) if _WHOLE.fullmatch(text.strip()) else None


def _outside(block: Block, reading: Reading) -> bool:
    if block.start_us is None or block.duration_s is None:
        return False
    end_us = reading.start_us + reading.duration_s * US_PER_S
    return reading.start_us < block.start_us or end_us > block.start_us + block.duration_s * US_PER_S


def write_feed(feed: Feed, updated: str) -> bytes:
    """The feed as a Green Button file; `updated` is its RFC 3339 instant. What `read_feed` gives comes back from it unchanged."""
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">',
    ]
    lines.append(f"<id>urn:dure:green-button</id><title>{escape(feed.title)}</title><updated>{escape(updated)}</updated>")
    for number, series in enumerate(feed.series, 1):
        lines += _series_lines(series, number)
    if feed.local_time:
        held = "".join(_tag(name, text) for name, text in feed.local_time.items())
        lines.append(_entry("LocalTimeParameters/1", "", f"<espi:LocalTimeParameters>{held}</espi:LocalTimeParameters>"))
    lines.append("</feed>\n")
    return "\n".join(lines).encode()


def _series_lines(series: Series, number: int) -> list[str]:
    point = f"UsagePoint/{number}"
    href = series.href or f"{point}/MeterReading/1"
    kind = "" if series.service_kind is None else _tag("kind", series.service_kind)
    use = f"<espi:UsagePoint><espi:ServiceCategory>{kind}</espi:ServiceCategory></espi:UsagePoint>"
    numbers = "".join(_tag(name, value) for name, value in series.reading_type.items())
    lines = [
        _entry(point, series.usage_point, use, href),
        _entry(href, series.title, "<espi:MeterReading/>", f"ReadingType/{number}"),
        _entry(f"ReadingType/{number}", "", f"<espi:ReadingType>{numbers}</espi:ReadingType>"),
    ]
    for place, block in enumerate(series.blocks, 1):
        span = ""
        if block.start_us is not None and block.duration_s is not None:
            span = f"<espi:interval>{_tag('duration', block.duration_s)}{_tag('start', _seconds(block.start_us))}</espi:interval>"
        readings = "\n".join(map(_reading_line, block.readings))
        lines.append(
            _entry(f"{href}/IntervalBlock/{place}", "", f"<espi:IntervalBlock>{span}\n{readings}\n</espi:IntervalBlock>")
        )
    return lines


def _entry(href: str, title: str, content: str, related: str = "") -> str:
    more = f'<link rel="related" href="{escape(related)}"/>' if related else ""
    links = f'<link rel="self" href="{escape(href)}"/>{more}'
    return f"<entry><id>urn:dure:{escape(href)}</id>{links}<title>{escape(title)}</title><content>{content}</content></entry>"


def _reading_line(reading: Reading) -> str:
    cost = "" if reading.cost is None else _tag("cost", reading.cost)
    quality = "".join(f"<espi:ReadingQuality>{_tag('quality', code)}</espi:ReadingQuality>" for code in reading.qualities)
    period = (
        f"<espi:timePeriod>{_tag('duration', reading.duration_s)}{_tag('start', _seconds(reading.start_us))}</espi:timePeriod>"
    )
    return f"<espi:IntervalReading>{cost}{quality}{period}{_tag('value', reading.value)}</espi:IntervalReading>"


def _tag(name: str, value: str | int) -> str:
    return f"<espi:{name}>{escape(str(value))}</espi:{name}>"


def _seconds(us: int) -> str:
    whole, part = divmod(us, US_PER_S)
    return f"{whole}.{part:06d}" if part else str(whole)
