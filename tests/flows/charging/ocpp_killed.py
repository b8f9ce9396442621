"""A central system in a process of its own, to be killed: ``python ocpp_killed.py FOLDER``. Says its port and the secrets."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from ocpp_city import charger_row, running

STATIONS = 20


async def main(folder: Path) -> None:
    rows = [charger_row(f"cp-{number}") for number in range(STATIONS)]
    async with running(folder, rows) as world:
        said = json.dumps({"port": world.central.port, "secrets": world.secrets})
        (folder / "said.json.part").write_text(said)
        (folder / "said.json.part").replace(folder / "said.json")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
