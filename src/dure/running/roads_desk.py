"""What `dure roads` does and prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.table import Table

from dure.core.errors import NotFound
from dure.core.time import format_instant
from dure.engines.clock import SystemClock
from dure.engines.roads.importing import bounds_of, import_roads
from dure.engines.roads.store import RoadMap, RoadStore

if TYPE_CHECKING:
    from rich.console import Console

    from dure.config import Settings

CM_PER_KM = 100_000


class Drivable(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of vehicle has of the map in force. `oneway_share`: of the kilometres, those open in one direction only."""

    profile: str
    junctions: int
    links: int
    km: float
    oneway_share: float
    turns: int


def roads_of(settings: Settings) -> RoadStore:
    """The roads of the data folder."""
    return RoadStore(settings.data / "roads")


def bring_in(settings: Settings, file: Path, bounds: str) -> tuple[RoadMap, list[Drivable]]:
    """Import a file of roads, and what every kind of vehicle has of it."""
    store = roads_of(settings)
    now = format_instant(SystemClock().now())
    folder = Path(settings.city_dir) if settings.city_dir else None
    found = import_roads(store, file, now, bounds_of(bounds), folder)
    return found, drivable(store, found)


def shown(settings: Settings) -> tuple[RoadMap, list[Drivable]]:
    """The map in force; ``roads.none`` when there is none."""
    store = roads_of(settings)
    found = store.current()
    if found is None:
        raise NotFound("roads.none", "No roads were imported: travel is estimated. Use: dure roads import FILE")
    return found, drivable(store, found)


def drivable(store: RoadStore, found: RoadMap) -> list[Drivable]:
    """What every profile has of the map; its graph is made when it was not yet."""
    rows = []
    for profile in found.profiles:
        graph = store.ready(profile).graph
        one_way = (graph.forward_cs < 0) | (graph.backward_cs < 0)
        total_cm = int(graph.length_cm.sum())
        rows.append(
            Drivable(
                profile=profile,
                junctions=graph.junctions,
                links=graph.links,
                km=total_cm / CM_PER_KM,
                oneway_share=float(graph.length_cm[one_way].sum() / total_cm),
                turns=graph.turns_kept,
            )
        )
    return rows


def tell(found: RoadMap, rows: list[Drivable], out: Console) -> None:
    """Print the map and a table of the profiles."""
    west, south, east, north = found.bounds
    out.print(f"{found.source}, version {found.version}, imported {found.imported_at}")
    out.print(f"{found.nodes:,} nodes, {found.ways:,} ways, {west:.4f},{south:.4f},{east:.4f},{north:.4f}")
    out.print(found.attribution)
    table = Table("vehicle", "junctions", "links", "km", "one-way", "turn rules")
    for row in rows:
        share = f"{row.oneway_share:.0%}"
        table.add_row(row.profile, f"{row.junctions:,}", f"{row.links:,}", f"{row.km:,.1f}", share, f"{row.turns:,}")
    out.print(table)
