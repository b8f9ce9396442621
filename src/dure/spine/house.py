"""What a service, a page or an API route is given: the city and the engines, put together once by `parts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from fastapi import APIRouter

    from dure.city import City
    from dure.config import Settings
    from dure.core.assets import AssetKind, AssetKinds
    from dure.core.properties import Properties, Property
    from dure.core.time import Clock
    from dure.engines.archive.folder import Archive
    from dure.engines.bus.client import Bus
    from dure.engines.identity.people import People
    from dure.engines.records.store import Records
    from dure.engines.telemetry.port import Telemetry
    from dure.protocols.bytemap import Codec
    from dure.spine.directory import Directory
    from dure.spine.intake import Intake
    from dure.spine.live import Live
    from dure.spine.recorder import Recorder


@dataclass(slots=True)
class House:
    """One running city. The engines are the real ones, also in tests."""

    settings: Settings
    city: City
    clock: Clock
    properties: Properties
    kinds: AssetKinds
    bus: Bus
    records: Records
    telemetry: Telemetry
    archive: Archive
    people: People
    live: Live
    directory: Directory
    intake: Intake
    codecs: Mapping[str, Codec]
    services: Sequence[Service] = ()
    recorder: Recorder | None = None  # None where another process records


class Service(Protocol):
    """What every city service offers the house. Its shell is `service.py`; see docs/en/services.md."""

    name: str

    def properties(self) -> Sequence[Property]:
        """The properties it measures."""
        ...

    def kinds(self) -> Sequence[AssetKind]:
        """The kinds of asset it owns."""
        ...

    def api(self, house: House) -> APIRouter | None:
        """Its REST routes, mounted under ``/api/v1``."""
        ...

    def pages(self, house: House) -> APIRouter | None:
        """Its pages, mounted under ``/ko`` and ``/en``."""
        ...

    async def run(self, house: House) -> None:
        """Its work until cancelled; returns at once when it has none of its own."""
        ...
