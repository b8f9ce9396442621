"""What `dure waste` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dure.core.errors import NotFound
from dure.engines.clock import SystemClock
from dure.engines.records import audit
from dure.engines.records.audit import By
from dure.running.desk import COMMAND
from dure.running.one_part import city_of
from dure.running.parts import records_of
from dure.services.waste.belief import belief_records
from dure.services.waste.belief.priors import BYTES_MAX, Prior, learned_of, prior_of, read_prior

if TYPE_CHECKING:
    from dure.config import Settings


def export_prior(settings: Settings, file: Path) -> Prior:
    """Write what this city learnt of its classes into a file; refused with ``prior.none`` when it learnt nothing yet."""
    records = records_of(settings)
    try:
        records.migrate()
        with records.read() as connection:
            known = belief_records.newest_learned(connection)
    finally:
        records.close()
    if known is None:
        raise NotFound("prior.none", "Nothing was learnt yet: a city learns every night once it runs.")
    data = prior_of(known[0], city_of(settings).id, known[1])
    file.write_bytes(data)
    return read_prior(data)


def import_prior(settings: Settings, file: Path) -> Prior:
    """Keep what another city learnt; the next learning begins with it."""
    with file.open("rb") as stream:
        found = read_prior(stream.read(BYTES_MAX + 1))
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    records, now = records_of(settings), SystemClock().now()
    try:
        records.migrate()
        with records.begin() as connection:
            ident = belief_records.store_learned(connection, learned_of(found), now, belief_records.PRIOR)
            detail = {"prior": {"source": found.source, "classes": sorted(found.classes)}}
            audit.append(connection, By(COMMAND, now), "manage", "system", ident, detail)
    finally:
        records.close()
    return found
