"""Where bags are handed out and weighed: each bag once, only by a reading of a scale that is on the books of readings. Blocks."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select, update

from dure.core.errors import Conflict, NotFound
from dure.core.identifiers import identifier
from dure.core.time import to_us
from dure.engines.records import assets, audit, dialect, events
from dure.engines.records.audit import By
from dure.engines.records.tables_carbon_claims import carbon_bags as bags
from dure.engines.records.tables_carbon_claims import carbon_weighings as weighings
from dure.services.carbon.claiming.weighing import (
    PROPERTY,
    Material,
    Weighing,
    digest_of,
    mass_of,
    recorded_event,
    undone_event,
    weighing_id,
)
from dure.services.carbon.model import CITY

if TYPE_CHECKING:
    from sqlalchemy.engine import RowMapping

    from dure.core.observations import Observation
    from dure.spine.house import House


def give_bag(connection: Connection, bag: str, by: By, holder: str = CITY) -> bool:
    """Hand out a bag with a QR code; False when it has this holder already.

    Raises Conflict ``weighing.bag_taken`` when it has another.
    """
    row = {"id": identifier(bag, "bag"), "holder": holder, "given_at": by.at}
    if dialect.insert_new(connection, bags, [row]):
        audit.append(connection, by, "act", "field_work", bag, {"bag": {"given": True}})
        return True
    if _holder(connection, bag) != holder:
        raise Conflict("weighing.bag_taken", f"The bag {bag[:80]} belongs to somebody else.")
    return False


def take_back_bags(connection: Connection, holder: str) -> int:
    """A holder's bags are the city's from now on, and nobody else's; how many. What was weighed stays as it was told."""
    mine = bags.c.holder == holder
    return connection.execute(update(bags).where(mine).values(holder=CITY)).rowcount


def weigh(house: House, asked: tuple[str, str, Material], weighed_at: datetime, by: By) -> Weighing:
    """Keep what a scale said of a bag, and tell it; the same weighing again is the same one.

    Parameters
    ----------
    asked : bag, scale, material

    Raises
    ------
    NotFound : ``weighing.bag_unknown``, ``weighing.scale_unknown``
    InputError : ``weighing.no_reading``, ``weighing.doubtful``, ``weighing.empty``
    Conflict : ``weighing.bag_used`` when the bag was weighed before, ``weighing.scale_busy`` when another bag was on it then
    """
    bag, scale, material = asked
    ident = weighing_id(bag, scale, weighed_at)
    with house.records.read() as connection:
        found = assets.find(connection, [scale]).get(scale)
    if found is None or found.kind != "scale":
        raise NotFound("weighing.scale_unknown", f"{scale[:80]!r} is no scale that is registered.")
    reading = house.telemetry.observation((scale, PROPERTY), to_us(weighed_at))
    mass_g = mass_of(reading)
    assert reading is not None  # noqa: S101  # `mass_of` refuses none
    with house.records.begin() as connection:
        holder = _holder(connection, bag)
        if holder is None:
            raise NotFound("weighing.bag_unknown", f"No bag {bag[:80]!r} was handed out.")
        one = Weighing(
            id=ident, bag=bag, scale=scale, material=material, holder=holder, mass_g=mass_g, weighed_at=weighed_at,
            readings_sha256=digest_of(reading),
        )  # fmt: skip
        return _kept(connection, one, reading, by)


def undo(connection: Connection, ident: str, by: By) -> Weighing:
    """Take a weighing back; raises ``weighing.unknown``."""
    one = get(connection, ident)
    if one.state == "undone":
        return one
    connection.execute(update(weighings).where(weighings.c.id == ident).values(state="undone"))
    audit.append(connection, by, "act", "field_work", ident, {"undone": {"bag": one.bag}})
    events.announce(connection, [undone_event(one, by.at)], by.at)
    return get(connection, ident)


def get(connection: Connection, ident: str) -> Weighing:
    """A weighing; NotFound ``weighing.unknown``."""
    row = connection.execute(select(weighings).where(weighings.c.id == ident)).mappings().one_or_none()
    if row is None:
        raise NotFound("weighing.unknown", f"There is no weighing {ident[:80]!r}.")
    return _weighing(row, _holder(connection, row["bag"]) or CITY)


def _kept(connection: Connection, one: Weighing, reading: Observation, by: By) -> Weighing:
    others = connection.execute(select(weighings).where(weighings.c.bag == one.bag, weighings.c.state == "kept")).mappings().all()
    if any(row["id"] == one.id for row in others):
        return one
    if others:
        raise Conflict("weighing.bag_used", f"The bag {one.bag[:80]} was weighed before. One bag counts once.")
    row = {
        "id": one.id, "bag": one.bag, "scale": one.scale, "material": one.material, "mass_g": one.mass_g,
        "weighed_at": one.weighed_at, "readings_sha256": one.readings_sha256, "state": one.state, "kept_at": by.at,
    }  # fmt: skip
    if not dialect.insert_new(connection, weighings, [row]):
        raise Conflict("weighing.scale_busy", "Another bag was on that scale at that instant, or this weighing was undone.")
    audit.append(connection, by, "act", "field_work", one.id, {"weighed": {"bag": one.bag, "mass_g": one.mass_g}})
    events.announce(connection, [recorded_event(one, reading, by.at)], by.at)
    return one


def _holder(connection: Connection, bag: str) -> str | None:
    found = connection.execute(select(bags.c.holder).where(bags.c.id == bag)).scalar_one_or_none()
    return None if found is None else str(found)


def _weighing(row: RowMapping, holder: str) -> Weighing:
    names = ("id", "bag", "scale", "material", "mass_g", "weighed_at", "readings_sha256", "state")
    return Weighing(**{name: row[name] for name in names}, holder=holder)
