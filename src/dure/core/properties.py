"""What can be observed: each property with its unit, possible range, usual period and retention. Rows of data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from dure.core.errors import ConfigError, InputError
from dure.core.identifiers import identifier
from dure.core.text import Text
from dure.core.units import UNITS

Aggregate = Literal["mean", "sum", "vector"]


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """One observable property.

    A value outside ``[fail_min, fail_max]`` cannot be true (flag 4); one outside ``[suspect_min, suspect_max]``
    is possible but unlikely here (flag 3). `aggregate` says how hours are made of readings: a mean, a sum
    (rain, energy), or a mean of unit vectors (directions).
    """

    id: str
    name: Text
    unit: str
    fail_min: float
    fail_max: float
    suspect_min: float | None = None
    suspect_max: float | None = None
    period_s: int = 600
    aggregate: Aggregate = "mean"
    decimals: int = 1
    retention_d: int = 400
    source: str = ""

    def __post_init__(self) -> None:
        identifier(self.id, "property id")
        if self.unit not in UNITS:
            raise ConfigError("property.unit", f"Property {self.id}: {self.unit!r} is no known UCUM code.")
        if not self.fail_min < self.fail_max:
            raise ConfigError("property.range", f"Property {self.id}: fail_min must be below fail_max.")
        low = self.fail_min if self.suspect_min is None else self.suspect_min
        high = self.fail_max if self.suspect_max is None else self.suspect_max
        if not self.fail_min <= low < high <= self.fail_max:
            raise ConfigError("property.range", f"Property {self.id}: the suspect span must lie inside the fail span.")
        if self.period_s <= 0 or self.retention_d <= 0:
            raise ConfigError("property.period", f"Property {self.id}: period and retention must be positive.")


class Properties:
    """The registry: properties by id, as the services and the city registered them."""

    def __init__(self, properties: Iterable[Property] = ()) -> None:
        self._by_id: dict[str, Property] = {}
        for one in properties:
            self.add(one)

    def add(self, one: Property) -> None:
        """Register; the same id twice must mean the same thing."""
        known = self._by_id.get(one.id)
        if known is not None and known != one:
            raise ConfigError("property.twice", f"Property {one.id} is registered twice with different meanings.")
        self._by_id[one.id] = one

    def override(self, one: Property) -> None:
        """Replace a registered property: a city's own ranges win over a service's."""
        self._by_id[one.id] = one

    def get(self, property_id: str) -> Property | None:
        """The property, or None when it is not registered."""
        return self._by_id.get(property_id)

    def __getitem__(self, property_id: str) -> Property:
        try:
            return self._by_id[property_id]
        except KeyError:
            raise InputError("property.unknown", f"The property {property_id[:80]!r} is not registered.") from None

    def __contains__(self, property_id: object) -> bool:
        return property_id in self._by_id

    def __iter__(self) -> Iterator[Property]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)
