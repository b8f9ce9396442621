"""Static files under an address that changes with their content, compressed beforehand and kept by browsers for a year."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response

from dure.core.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
_TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
_COMPRESSIBLE = {".js", ".mjs", ".css", ".svg", ".txt", ".json"}


class StaticFiles:
    """The files of one release. Their common digest stands in the address, so relative imports and fonts keep working."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder
        self._files = {
            file.relative_to(folder).as_posix(): file
            for file in sorted(folder.rglob("*"))
            if file.is_file() and file.suffix not in (".br", ".gz")
        }
        digest = hashlib.sha256()
        for name, file in self._files.items():
            digest.update(name.encode() + b"\0" + file.read_bytes())
        self.release = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """The address of a file; a name that does not exist is our own bug."""
        if name not in self._files:
            raise NotFound("static.unknown", f"The file {name} is not installed. Run scripts/assets.py.")
        return f"/static/{self.release}/{name}"

    def answer(self, request: Request) -> Response:
        """The file asked for, in the smallest form the browser takes."""
        name, release = request.path_params["name"], request.path_params["release"]
        file = self._files.get(name)
        if file is None:
            raise NotFound("http.not_found", "There is nothing at this address.")
        headers = {"Cache-Control": FOREVER if release == self.release else "no-cache", "Vary": "Accept-Encoding"}
        accepted = {part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
        if request.headers.get("range") is not None or file.suffix not in _COMPRESSIBLE:
            return FileResponse(file, headers=headers, media_type=_type(file))
        return self._compressed(file, accepted, headers)

    def _compressed(self, file: Path, accepted: set[str], headers: Mapping[str, str]) -> Response:
        for encoding, ending in (("br", ".br"), ("gzip", ".gz")):
            made = file.with_name(file.name + ending)
            if encoding in accepted and made.exists():
                return FileResponse(made, headers={**headers, "Content-Encoding": encoding}, media_type=_type(file))
        if "gzip" in accepted:
            return Response(_gzipped(file, file.stat().st_mtime_ns), 200, {**headers, "Content-Encoding": "gzip"}, _type(file))
        return FileResponse(file, headers=dict(headers), media_type=_type(file))


def _type(file: Path) -> str:
    return _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"


@lru_cache(64)
def _gzipped(file: Path, _changed_ns: int) -> bytes:
    return gzip.compress(file.read_bytes(), 9, mtime=0)
