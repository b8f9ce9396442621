"""Bundles the official OCPP schemas of the package ``ocpp`` into ``src/dure/protocols/ocpp/schemas.json.gz``.

Quick when nothing changed: the bundle begins with the digest of what it was made from. What validates nothing is left out
(descriptions, comments, names of Java types). ``python scripts/ocpp_schemas.py`` makes what is missing or differs, ``--check``
only says whether it is there.

The schemas are those of the Open Charge Alliance as the package (MIT) carries them, for OCPP 1.6, 2.0.1 and 2.1.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "src/dure/protocols/ocpp/schemas.json.gz"
VERSIONS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}
WORDLESS = frozenset({"description", "comment", "$comment", "javaType", "title", "default", "tsEnumNames"})


def folder() -> Path:
    """Where the package is."""
    spec = importlib.util.find_spec("ocpp")
    if spec is None or spec.origin is None:
        sys.exit("ocpp schemas: the package ocpp is missing; install the dependency group 'assets'.")
    return Path(spec.origin).parent


def files(version: str) -> list[Path]:
    """The schema files of one version, in order."""
    return sorted((folder() / VERSIONS[version] / "schemas").glob("*.json"))


def wanted() -> str:
    """Digest of what decides the outcome: the schema files and this script."""
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for version in VERSIONS:
        for file in files(version):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def bare(part: Any) -> Any:
    """A schema without the keywords that validate nothing; names of properties stay whatever they are."""
    if isinstance(part, list):
        return [bare(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {}
    for name, value in part.items():
        if name in {"properties", "definitions"}:
            kept[name] = {key: bare(one) for key, one in value.items()}
        elif name not in WORDLESS:
            kept[name] = bare(value)
    return kept


def bundle() -> dict[str, Any]:
    """Schemas by version, action and direction (request, response)."""
    found: dict[str, Any] = {}
    for version in VERSIONS:
        actions: dict[str, dict[str, Any]] = {}
        for file in files(version):
            name = file.stem
            way = "response" if name.endswith("Response") else "request"
            action = name.removesuffix("Response").removesuffix("Request")
            actions.setdefault(action, {})[way] = bare(json.loads(file.read_text("utf-8-sig")))
        found[version] = actions
    return found


def have() -> str:
    """Digest written in the bundle that is there; empty if there is none."""
    try:
        return str(json.loads(gzip.decompress(BUNDLE.read_bytes()))["wanted"])
    except (OSError, ValueError, KeyError):
        return ""


def main() -> None:
    """Entry point."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--check", action="store_true", help="only say whether the bundle is there")
    chosen = options.parse_args()
    digest = wanted()
    if have() == digest:
        return
    if chosen.check:
        sys.exit("ocpp schemas: the bundle is missing or of another version of the package")
    print("ocpp schemas: bundling")
    content = json.dumps({"wanted": digest, "schemas": bundle()}, separators=(",", ":"), sort_keys=True)
    part = BUNDLE.with_suffix(".part")
    part.write_bytes(gzip.compress(content.encode(), mtime=0))
    part.replace(BUNDLE)


if __name__ == "__main__":
    main()
