"""Legal breaks, for a solver that knows none: a clock that stands still during them.

On the *working clock* a break takes no time. A route whose services and drives are shorter than the time left after the
break's planned instant can be read back on the real clock without loss: the break goes before or after the service or drive
that the instant falls into (`timing` finds where), and everything after it is later by the break's length. So windows and
hours are translated, not approximated, wherever the vehicles that could come share the same breaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dure.routing.indexed import UNLIMITED
from dure.routing.model import Break, Span, Vehicle


@dataclass(frozen=True)
class Clock:
    """The working clock of vehicles with the same breaks: `at_s` real instants, `lasts_s` lengths, in order of time."""

    at_s: tuple[int, ...] = ()
    lasts_s: tuple[int, ...] = ()

    @property
    def rest_s(self) -> int:
        """Seconds of breaks in a day."""
        return sum(self.lasts_s)

    def working_s(self, real_s: int) -> int:
        """The instant on the working clock; during a break: its begin."""
        if real_s >= UNLIMITED:
            return real_s
        rested_s = 0
        for at_s, lasts_s in zip(self.at_s, self.lasts_s, strict=True):
            rested_s += min(max(real_s - at_s, 0), lasts_s)
        return real_s - rested_s

    def span(self, real: Span) -> Span:
        """The window on the working clock. A begin that falls into a break is the first instant after it."""
        return Span(self.working_s(real.earliest_s), self.working_s(real.latest_s))


def clock_of(breaks: Sequence[Break]) -> Clock:
    """The clock for these breaks: each is planned for the middle of its span, with room for drives and services around it."""
    planned: list[tuple[int, int]] = []
    for rest in sorted(breaks, key=lambda one: one.span.latest_s):
        at_s = (rest.span.earliest_s + rest.span.latest_s) // 2
        if planned:
            at_s = max(at_s, planned[-1][0] + planned[-1][1])
        planned.append((at_s, rest.duration_s))
    return Clock(tuple(at_s for at_s, _ in planned), tuple(lasts_s for _, lasts_s in planned))


def shared_clock(vehicles: Sequence[Vehicle]) -> Clock:
    """The clock most of the vehicles go by: the one windows of stops are translated with."""
    clocks = [clock_of(one.breaks) for one in vehicles]
    return max(clocks, key=clocks.count) if clocks else Clock()
