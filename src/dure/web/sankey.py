"""Flow diagrams (after M. H. P. R. Sankey, 1898) as SVG: readable without script, in print and, by their text, aloud.

Pure: values in, markup out, as `charts`. Every end is named beside its bar with its value, so that colour is never alone; the
table beside the diagram says the same, a page puts it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec
from markupsafe import Markup, escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dure.web.i18n import Speech

BAR_PX = 14.0
GAP_PX = 10.0
SLOT_PX = 36.0  # two lines of text
TOP_PX = 6.0
HALVINGS = 40


class End(NamedTuple):
    """A source or a use; `id` names its colour (class ``flow-ID``)."""

    id: str
    name: str


class Link(NamedTuple):
    """What flows from a source to a use, > 0."""

    source: str
    sink: str
    value: float


class Sankey(msgspec.Struct, frozen=True, kw_only=True):
    """Flows from sources (left) to uses (right); ends without any flow are not drawn."""

    title: str
    unit: str
    sources: Sequence[End]
    sinks: Sequence[End]
    links: Sequence[Link]
    decimals: int = 1

    @property
    def flowing(self) -> list[Link]:
        """Links that carry something, in the order of sources and uses."""
        left, right = ([end.id for end in ends] for ends in (self.sources, self.sinks))
        known = [link for link in self.links if link.value > 0]
        return sorted(known, key=lambda link: (left.index(link.source), right.index(link.sink)))

    @property
    def total(self) -> float:
        """All flows together."""
        return sum(link.value for link in self.flowing)

    def name_of(self, link: Link) -> tuple[str, str]:
        """Names of both ends of a link."""
        return (
            next(end.name for end in self.sources if end.id == link.source),
            next(end.name for end in self.sinks if end.id == link.sink),
        )


class _Bar(NamedTuple):
    """An end as drawn: its slot holds the label, the bar stands in the middle of it."""

    end: End
    value: float
    top: float
    high: float


def summary(diagram: Sankey, say: Speech) -> str:
    """The diagram in words: the text alternative."""
    if not diagram.flowing:
        return say("{title}: 흐르는 전력이 없습니다.", title=diagram.title)
    told = ", ".join(f"{_told(diagram, link, say)}" for link in diagram.flowing)
    return f"{diagram.title}: {told}"


def sankey(diagram: Sankey, say: Speech, *, width: int = 760, height: int = 320) -> Markup:
    """The diagram as one SVG element."""
    margin = 118.0 if width >= 600 else 92.0
    left = _bars(diagram.sources, _sums((link.source, link.value) for link in diagram.flowing), height)
    right = _bars(diagram.sinks, _sums((link.sink, link.value) for link in diagram.flowing), height)
    parts = _ribbons(diagram, say, left, right, (margin + BAR_PX, width - margin - BAR_PX))
    parts += [_end(bar, say, diagram, (margin, margin - 8, "end")) for bar in left.values()]
    parts += [_end(bar, say, diagram, (width - margin - BAR_PX, width - margin + 8, "start")) for bar in right.values()]
    opening = f'<svg class="chart sankey" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(summary(diagram, say))}">'
    return Markup(f"{opening}{''.join(parts)}</svg>")  # noqa: S704  # every text inside is escaped where it is put in


def _end(bar: _Bar, say: Speech, diagram: Sankey, place: tuple[float, float, str]) -> str:
    """A bar with its name and value beside it; `place`: where the bar and its text stand, and which end of the text."""
    x, text_x, anchor = place
    middle = bar.top + bar.high / 2
    value = say.quantity(bar.value, diagram.decimals, diagram.unit)
    return (
        f'<rect class="flow-{bar.end.id}" x="{x:.1f}" y="{bar.top:.1f}" width="{BAR_PX}" height="{bar.high:.1f}"/>'
        f'<text class="flow-name" x="{text_x:.1f}" y="{middle - 2:.1f}" text-anchor="{anchor}">{escape(bar.end.name)}</text>'
        f'<text class="flow-value" x="{text_x:.1f}" y="{middle + 13:.1f}" text-anchor="{anchor}">{escape(value)}</text>'
    )


def _told(diagram: Sankey, link: Link, say: Speech) -> str:
    source, sink = diagram.name_of(link)
    return f"{source} → {sink} {say.quantity(link.value, diagram.decimals, diagram.unit)}"


def _sums(flows: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for end, value in flows:
        found[end] = found.get(end, 0.0) + value
    return found


def _bars(ends: Sequence[End], sums: Mapping[str, float], height: int) -> dict[str, _Bar]:
    """Bars below each other; a small one keeps a slot as high as its label."""
    shown = [(end, sums[end.id]) for end in ends if end.id in sums]
    room = height - 2 * TOP_PX - GAP_PX * max(0, len(shown) - 1)
    scale = _scale([value for _, value in shown], room)
    found: dict[str, _Bar] = {}
    y = TOP_PX
    for end, value in shown:
        high = max(1.5, value * scale)
        slot = max(SLOT_PX, high)
        found[end.id] = _Bar(end, value, y + (slot - high) / 2, high)
        y += slot + GAP_PX
    return found


def _scale(values: Sequence[float], room: float) -> float:
    """Pixels of one unit with which all slots fill the room."""
    if not values:
        return 0.0
    low, high = 0.0, room / max(values)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if sum(max(SLOT_PX, value * middle) for value in values) > room:
            high = middle
        else:
            low = middle
    return low


def _ribbons(
    diagram: Sankey, say: Speech, left: Mapping[str, _Bar], right: Mapping[str, _Bar], span: tuple[float, float]
) -> list[str]:
    """A band for each link; at each end it is as high as its share of the bar."""
    x0, x1 = span
    middle = (x0 + x1) / 2
    used: dict[tuple[int, str], float] = {}
    parts = []
    for link in diagram.flowing:
        a, b = left[link.source], right[link.sink]
        high_a, high_b = a.high * link.value / a.value, b.high * link.value / b.value
        y0, y1 = a.top + used.get((0, link.source), 0.0), b.top + used.get((1, link.sink), 0.0)
        used[0, link.source] = y0 - a.top + high_a
        used[1, link.sink] = y1 - b.top + high_b
        path = (
            f"M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}V{y1 + high_b:.1f}"
            f"C{middle:.1f} {y1 + high_b:.1f} {middle:.1f} {y0 + high_a:.1f} {x0:.1f} {y0 + high_a:.1f}Z"
        )
        parts.append(
            f'<path class="flow flow-{link.source}" d="{path}"><title>{escape(_told(diagram, link, say))}</title></path>'
        )
    return parts
