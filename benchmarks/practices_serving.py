"""The web face with practices on real records, for ``practices``: a process of its own, so that its CPU is told apart.

``python practices_serving.py FOLDER CITIZENS`` prints one line of JSON when it serves: port, sessions, codes of members, the
key of a partner, the code a place shows.
"""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "unit" / "services" / "carbon"))
from carbon_house import carbon_house

from dure.core.text import Text
from dure.engines.records.audit import By
from dure.services.carbon.governing import budget_desk
from dure.services.carbon.governing.budgets import Asked
from dure.services.carbon.practising import partner_desk, place_desk, practice_desk, practice_records
from dure.services.carbon.practising.partner_desk import Partner
from dure.services.carbon.practising.place_desk import Place
from dure.services.carbon.practising.practice_desk import setting_of
from dure.services.carbon.practising.practice_key import practice_key
from dure.services.carbon.service import CarbonService
from dure.spine.house import House
from dure.web.app import create_app

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
BY = By("bench", NOW)
SCANNED = ("tumbler", "own-bag", "cup-return", "refill", "own-container")
PARTNERED = ("e-receipt", "tumbler")


def peopled(house: House, citizens: int) -> dict[str, object]:
    """Citizens who joined, a partner, a place, money; what who asks has to know."""
    by, secret = setting_of(house), practice_key(house.settings.data)
    ids = [house.people.add(f"citizen-{n}", f"citizen {n}", None, ["citizen"], BY).id for n in range(citizens)]
    tokens = [_session(house, ident) for ident in ids]
    with house.records.begin() as connection:
        for programme, won in (("green-practice", 10_000_000), ("green-practice-estimated", 1_000_000)):
            budget_desk.move(house, connection, programme, Asked("fund", won), BY)
        for ident in ids:
            practice_desk.join(connection, ident, "green-life", by)
        place = Place(id="plaza", name=Text("광장"), practices=SCANNED, turn_s=60)
        place_desk.put(connection, place, by, BY)
        partner = Partner(id="cafe", name=Text("카페"), practices=partner_desk.known_practices(PARTNERED, by))
        key = partner_desk.put(connection, partner, BY, secret)
        members = [practice_records.member(connection, ident) for ident in ids]
    return {
        "tokens": tokens, "members": [one.code for one in members if one], "key": key,
        "code": str(place_desk.shown(place, secret, NOW)),
    }  # fmt: skip


def _session(house: House, person: str) -> str:
    with house.records.begin() as connection:
        return house.people._open(connection, person, NOW, "").token  # noqa: SLF001  # as a sign-in does; hashing passwords is not measured


async def main(folder: Path, citizens: int) -> None:
    """Serve until the parent ends it."""
    plain = carbon_house(folder, NOW)
    parts = {name: getattr(plain, name) for name in House.__slots__} | {"services": (CarbonService(),)}
    house = House(**parts)
    told = await asyncio.to_thread(peopled, house, citizens)
    how = {"log_level": "error", "access_log": False, "timeout_keep_alive": 300}  # a busy machine makes clients wait
    server = uvicorn.Server(uvicorn.Config(create_app(house), host="127.0.0.1", port=0, **how))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn tells it by nothing else
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(json.dumps({"port": port, **told}), flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
