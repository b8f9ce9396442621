"""Attributes of an asset as typed values: each read once, with its span; what cannot be read is refused by name."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from dure.core.errors import InputError

if TYPE_CHECKING:
    from dure.core.assets import Asset

HOUR_S, DAY_S = 3_600, 86_400
_TIME = re.compile(r"([0-2]?\d):([0-5]\d)")
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,62}[a-z0-9])?")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
SPANS_MAX = 12


class Words:
    """The attributes of one asset of a kind. Every reader gives `otherwise` where the attribute is absent or empty."""

    def __init__(self, asset: Asset, kind: str) -> None:
        if asset.kind != kind:
            raise InputError("waste.kind", f"{asset.id} is a {asset.kind}, not a {kind}.")
        self._asset, self._given = asset, asset.attributes

    def place(self) -> tuple[float, float]:
        """Longitude and latitude [deg]."""
        if self._asset.place is None:
            raise InputError("waste.unplaced", f"{self._asset.id} has no place. Give its longitude and latitude.")
        point = self._asset.place.point
        return point.lon, point.lat

    def number(self, name: str, otherwise: float, span: tuple[float, float]) -> float:
        """A number within a span."""
        found = self.optional(name, span)
        return otherwise if found is None else found

    def optional(self, name: str, span: tuple[float, float]) -> float | None:
        """A number within a span, or None."""
        given = self._given.get(name)
        if given is None or given == "":
            return None
        try:
            value = math.nan if isinstance(given, bool) else float(given)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not span[0] <= value <= span[1]:
            raise self._refused(name, f"must be a number from {span[0]:g} to {span[1]:g}")
        return value

    def word(self, name: str, otherwise: str) -> str:
        """One word: small letters, digits, '-' and '_'."""
        given = self._given.get(name)
        if given is None or given == "":
            return otherwise
        if not isinstance(given, str) or not _WORD.fullmatch(given):
            raise self._refused(name, "must be one word of a-z, 0-9, '-' and '_'")
        return given

    def words(self, name: str) -> frozenset[str]:
        """Words apart by spaces, or a list of them."""
        found = self._list(name)
        if not all(_WORD.fullmatch(one) for one in found):
            raise self._refused(name, "must be words of a-z, 0-9, '-' and '_' apart by spaces")
        return frozenset(found)

    def yes(self, name: str, *, otherwise: bool) -> bool:
        """Yes or no."""
        given = self._given.get(name)
        if given is None or given == "":
            return otherwise
        found = given if isinstance(given, bool) else _YES.get(str(given).lower())
        if found is None:
            raise self._refused(name, "must be yes or no")
        return found

    def spans(self, name: str) -> tuple[tuple[int, int], ...]:
        """Times of day such as ``06:00-10:30 14:00-18:00`` [s after midnight]; one that ends earlier ends the next day."""
        return tuple(self._span(name, one) for one in self._list(name))

    def breaks(self, name: str) -> tuple[tuple[int, int, int], ...]:
        """Breaks such as ``11:30-13:00/60``: begin between, for so many minutes; (earliest, latest, duration) [s]."""
        found = []
        for one in self._list(name):
            span, _, minutes = one.partition("/")
            if not minutes.isascii() or not minutes.isdigit() or not 1 <= int(minutes) <= 240:
                raise self._refused(name, "must read like 11:30-13:00/60, with 1 to 240 minutes")
            found.append((*self._span(name, span), 60 * int(minutes)))
        return tuple(found)

    def _span(self, name: str, text: str) -> tuple[int, int]:
        begin, _, end = text.partition("-")
        times = [_TIME.fullmatch(one) for one in (begin, end)]
        seconds = [HOUR_S * int(one[1]) + 60 * int(one[2]) for one in times if one]
        if len(seconds) != 2 or max(seconds) > DAY_S or seconds[0] == seconds[1]:
            raise self._refused(name, "must be times of day like 06:00-15:00, at most 24:00")
        return seconds[0], seconds[1] if seconds[1] > seconds[0] else seconds[1] + DAY_S

    def _list(self, name: str) -> list[str]:
        given: Any = self._given.get(name)
        found = given.split() if isinstance(given, str) else list(given) if isinstance(given, list | tuple) else []
        if given is not None and not isinstance(given, str | list | tuple):
            raise self._refused(name, "must be a text or a list of texts")
        if len(found) > SPANS_MAX or not all(isinstance(one, str) for one in found):
            raise self._refused(name, f"must be at most {SPANS_MAX} texts")
        return found

    def _refused(self, name: str, why: str) -> InputError:
        return InputError("waste.attribute", f"{self._asset.id}: {name} {str(self._given[name])[:60]!r} {why}.")
