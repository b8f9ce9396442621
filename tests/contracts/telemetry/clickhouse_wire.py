"""ClickHouse's HTTP interface in front of chDB (ClickHouse's own engine as a library): a process of its own.

``python clickhouse_wire.py FOLDER`` prints its port. The unmodified clickhouse-connect client talks to it over a real
socket. It tests SQL and results, not replication, durability or a cluster's faults. Each request takes a chDB
connection from a pool, as one connection serves one query at a time; a session keeps its own.
"""

from __future__ import annotations

import base64
import email.parser
import email.policy
import gzip
import json
import queue
import re
import sys
import tempfile
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import lz4.frame
from backports import zstd
from chdb.state.sqlitelike import Connection

POOL = 6
USER, PASSWORD = "dure", "wire-secret"
# Parameters of the HTTP interface itself; every other one is a setting of the query.
OF_HTTP = {
    "query", "database", "session_id", "session_timeout", "session_check", "query_id", "quota_key", "compress", "decompress",
    "wait_end_of_query", "buffer_size", "client_protocol_version", "role", "send_progress_in_http_headers",
    "http_headers_progress_interval_ms", "enable_http_compression", "default_format", "user", "password",
}  # fmt: skip
STATUS = {
    60: 404,
    81: 404,
    47: 404,
    46: 404,
    62: 400,
    53: 400,
    36: 400,
    115: 400,
    193: 401,
    194: 401,
    516: 401,
    497: 403,
    373: 400,
}
INSERT = re.compile(rb"\s*(INSERT\s+INTO\s.*?)\s+FORMAT\s+(\w+)[ \t\r]*\n?", re.IGNORECASE | re.DOTALL)
WITH_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*(?:SETTINGS\b.*)?;?\s*$", re.IGNORECASE | re.DOTALL)


class Refused(Exception):
    """A ClickHouse exception with its code."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code = code


class Engine:
    """chDB on one folder: a pool of connections, and one for each session."""

    def __init__(self, folder):
        self._folder = folder
        self._idle = queue.SimpleQueue()
        for _ in range(POOL):
            self._idle.put(Connection(folder))
        self._sessions = {}
        self._lock = threading.Lock()

    @contextmanager
    def connection(self, session):
        if not session:
            one = self._idle.get()
            try:
                yield one
            finally:
                self._idle.put(one)
            return
        with self._lock:
            one, busy = self._sessions.setdefault(session, (None, threading.Lock()))
            if one is None:
                one = Connection(self._folder)
                self._sessions[session] = (one, busy)
        if not busy.acquire(blocking=False):
            raise Refused(
                373, f"Code: 373. DB::Exception: Session {session} is locked by a concurrent client. (SESSION_IS_LOCKED)"
            )
        try:
            yield one
        finally:
            busy.release()

    def run(self, request):
        """Body and format of a request's answer."""
        with self.connection(request.session) as connection:
            _query(connection, f"USE `{request.database}`")
            if request.settings:
                _query(
                    connection, "SET " + ", ".join(f"{name} = '{_escaped(value)}'" for name, value in request.settings.items())
                )
            made = []
            try:
                for table in request.external:
                    made.append(table.name)
                    _create_external(connection, table)
                return _execute(connection, request)
            finally:
                for name in made:
                    _query(connection, f"DROP TEMPORARY TABLE IF EXISTS {name}")
                if request.settings:
                    _query(connection, "SET " + ", ".join(f"{name} = DEFAULT" for name in request.settings))


class External:
    """A table sent along with a query."""

    def __init__(self, name, structure, fmt, data):
        self.name, self.structure, self.fmt, self.data = name, structure, fmt, data


class Request:
    """One HTTP request, read."""

    def __init__(self, params, body, files):
        self.database = params.get("database", "default")
        self.session = params.get("session_id", "")
        self.bound = {name[6:]: value for name, value in params.items() if name.startswith("param_")}
        self.format = params.get("default_format", "TabSeparated")
        query = params.get("query", "").encode()
        text = query + (b"\n" if query and body else b"") + body
        found = INSERT.match(text)
        self.insert = (found[1].decode(), found[2].decode(), text[found.end() :]) if found else None
        self.query = text.decode() if not found else ""
        self.external = [
            External(name, params[f"{name}_structure"], params.get(f"{name}_format", "TabSeparated"), data)
            for name, data in files.items()
        ]
        own = {f"{name}_{what}" for name in files for what in ("structure", "format", "types")}
        self.settings = {k: v for k, v in params.items() if k not in OF_HTTP and k not in own and not k.startswith("param_")}


def _execute(connection, request):
    if request.insert:
        head, fmt, data = request.insert
        return _insert(connection, head, fmt, data), fmt
    stated = WITH_FORMAT.search(request.query)
    fmt = stated[1] if stated else request.format
    result = _query(connection, request.query, fmt, request.bound)
    return result.bytes() or b"", fmt


def _insert(connection, head, fmt, data):
    if not data:
        return b""
    with tempfile.NamedTemporaryFile(suffix=".block") as file:
        file.write(data)
        file.flush()
        _query(connection, f"{head} FROM INFILE '{_escaped(file.name)}' FORMAT {fmt}")
    return b""


def _create_external(connection, table):
    _query(connection, f"CREATE TEMPORARY TABLE {table.name} ({table.structure})")
    _insert(connection, f"INSERT INTO {table.name}", table.fmt, table.data)


def _query(connection, sql, fmt="TabSeparated", bound=None):
    try:
        return connection.query(sql, fmt, params=bound or {})
    except Exception as error:
        text = str(error)
        code = re.search(r"Code: (\d+)", text)
        raise Refused(int(code[1]) if code else 1002, text) from error


def _escaped(text):
    return str(text).replace("\\", "\\\\").replace("'", "\\'")


UNPACK = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": zstd.decompress,
}
PACK = {"lz4": lz4.frame.compress, "zstd": zstd.compress, "gzip": gzip.compress}


class Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    engine: Engine

    def do_GET(self):  # the standard library's name
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n", {})
        else:
            self._serve(b"")

    def do_POST(self):  # the standard library's name
        self._serve(self._body())

    def _serve(self, body):
        params = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            self._authenticate(params)
            body, files = self._parts(body, params)
            answer, fmt = self.engine.run(Request(params, body, files))
        except Refused as refused:
            headers = {"X-ClickHouse-Exception-Code": str(refused.code), "Content-Type": "text/plain; charset=UTF-8"}
            self._answer(STATUS.get(refused.code, 500), f"{refused}\n".encode(), headers)
            return
        headers = {
            "X-ClickHouse-Query-Id": params.get("query_id", ""),
            "X-ClickHouse-Format": fmt,
            "X-ClickHouse-Timezone": "UTC",
            "X-ClickHouse-Server-Display-Name": "wire",
            "X-ClickHouse-Summary": json.dumps({"read_rows": "0", "written_rows": "0"}),
        }
        wanted = self.headers.get("Accept-Encoding", "") if params.get("enable_http_compression") == "1" else ""
        for name in (one.strip() for one in wanted.split(",")):
            if name in PACK and answer:
                headers["Content-Encoding"] = name
                answer = PACK[name](answer)
                break
        self._answer(200, answer, headers)

    def _authenticate(self, params):
        given = (
            self.headers.get("X-ClickHouse-User", params.get("user")),
            self.headers.get("X-ClickHouse-Key", params.get("password")),
        )
        scheme, _, secret = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            given = tuple(base64.b64decode(secret).decode().split(":", 1))
        if given != (USER, PASSWORD):
            raise Refused(516, "Code: 516. DB::Exception: Authentication failed: password is incorrect. (AUTHENTICATION_FAILED)")

    def _parts(self, body, params):
        kind = self.headers.get("Content-Type", "")
        if not kind.startswith("multipart/form-data"):
            return body, {}
        parser = email.parser.BytesParser(policy=email.policy.HTTP)
        files = {}
        for part in parser.parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body).iter_parts():
            name = part.get_param("name", header="content-disposition")
            content = part.get_payload(decode=True)
            if part.get_filename():
                files[name] = content
            else:
                params[name] = content.decode()
        return b"", files

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            data = b"".join(chunks)
        else:
            data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return UNPACK[self.headers.get("Content-Encoding", "")](data)

    def _answer(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def main():
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    Handler.engine = Engine(str(folder))
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    print(server.server_address[1], flush=True)  # noqa: T201  # the starter reads it
    server.serve_forever()


if __name__ == "__main__":
    main()
