"""One server process and one process of stations, started for a trial and ended with it."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
START_S = 180.0


class Trial:
    """A server that listens."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], stations: int) -> None:
        self.folder, self.process, self.stations = folder, process, stations

    def drive(self, mode: str, *more: float) -> dict[str, Any]:
        """What the stations saw and what the server used."""
        command = [sys.executable, HERE / "ocpp_driving.py", self.folder, mode, str(self.stations), *map(str, more)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)


@contextlib.contextmanager
def serving(script: str, stations: int) -> Iterator[Trial]:
    """The server of a script (``ocpp_serving.py``, ``ocpp_peer.py``, …) while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="dure-ocpp-"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, HERE / script, folder, str(stations)], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_S
        while not (folder / "said.json").exists():
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
        yield Trial(folder, process, stations)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        shutil.rmtree(folder, ignore_errors=True)
