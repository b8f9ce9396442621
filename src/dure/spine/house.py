"""What a service, a page or an API route is given: the city and the engines, put together once by `parts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    import numpy as np
    from fastapi import APIRouter
    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from dure.city import City
    from dure.config import Settings
    from dure.core.assets import AssetKind, AssetKinds
    from dure.core.events import Command
    from dure.core.observations import Batch, Observation, Rejected, Revisions
    from dure.core.properties import Properties, Property
    from dure.core.time import Clock
    from dure.engines.archive.folder import Archive
    from dure.engines.bus.client import Bus
    from dure.engines.identity.people import People
    from dure.engines.jobs.port import Jobs
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
    jobs: Jobs | None = None  # None: heavy work is done where it is asked for


class Assessed(msgspec.Struct, frozen=True, eq=False):
    """What an assessor says of the n rows of a batch, and of rows kept before it.

    Attributes
    ----------
    flag, check : (n,) uint8, `Flag` and `Check`, instead of those the batch came with
    revised : new flags of rows kept earlier, or of rows of this batch (a spike is known one value later)
    """

    flag: NDArray[np.uint8]
    check: NDArray[np.uint8]
    revised: Revisions


class Assessor(Protocol):
    """A service's own judgement of values, asked by the recorder before it stores.

    It runs in the recorder's worker thread, one call at a time. What it remembers of a series is its own. It must keep
    up with the stream: arrays, never a loop over rows. A flag only gets worse (`core.quality.assessed`): good becomes
    suspect or failed, suspect becomes failed. A quarantined row stays so unless it fails; a check other than
    `Check.QUARANTINE` there says that the value does not speak for its device. When an assessor raises, the rows keep
    the flags they came with.
    """

    def assess(self, batch: Batch) -> Assessed:
        """Judge rows in stream order, each once since `warm`; `batch` must not be written to."""
        ...

    def warm(self, telemetry: Telemetry, now_us: int) -> None:
        """Before the first batch, and whenever reading begins anew: take up the state from what is kept.

        Some rows that are kept already may come again afterwards.
        """
        ...


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

    def assessor(self, house: House) -> Assessor | None:
        """What judges values before they are stored, asked for once by the recorder; None when the house's ranges do."""
        ...

    def reasons(self, house: House, observation: Observation) -> Sequence[str]:
        """Why an observation of its properties has its flag, as sentences beside the recorder's own; may read the engines."""
        ...

    def objection(self, house: House, connection: Connection, command: Command) -> Rejected | None:
        """Why an asset must not be asked this now, in the transaction that would keep the command; None when it may be."""
        ...

    async def run(self, house: House) -> None:
        """Its work until cancelled; returns at once when it has none of its own."""
        ...
