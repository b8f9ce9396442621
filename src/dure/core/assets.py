"""Things of the city: stations, bins, chargers, zones, …."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from dure.core.errors import ConfigError, InputError
from dure.core.geo import Place
from dure.core.identifiers import identifier
from dure.core.text import Text

AssetState = Literal["quarantined", "live", "retired"]


class AssetKind(msgspec.Struct, frozen=True):
    """A kind of asset, registered by the service that owns it, and the properties it usually observes."""

    id: str
    name: Text
    service: str
    properties: tuple[str, ...] = ()
    public: bool = True


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """A thing of the city. `place` is WGS 84; `attributes` are the kind's own words.

    A new asset is ``quarantined``: its readings are kept with flag 2 and shown to no citizen until it is ``live``.
    """

    id: str
    city: str
    kind: str
    name: Text
    place: Place | None = None
    parent: str | None = None
    state: AssetState = "quarantined"
    attributes: dict[str, Any] = {}  # msgspec copies an empty default for every instance

    def __post_init__(self) -> None:
        identifier(self.id, "asset id")
        identifier(self.city, "city id")


class AssetKinds:
    """The registry of kinds."""

    def __init__(self, kinds: Iterable[AssetKind] = ()) -> None:
        self._by_id: dict[str, AssetKind] = {}
        for kind in kinds:
            if kind.id in self._by_id:
                raise ConfigError("asset_kind.twice", f"The asset kind {kind.id} is registered twice.")
            self._by_id[kind.id] = kind

    def __getitem__(self, kind_id: str) -> AssetKind:
        try:
            return self._by_id[kind_id]
        except KeyError:
            raise InputError("asset_kind.unknown", f"The asset kind {kind_id[:80]!r} is not registered.") from None

    def __contains__(self, kind_id: object) -> bool:
        return kind_id in self._by_id

    def __iter__(self) -> Iterator[AssetKind]:
        return iter(self._by_id.values())
