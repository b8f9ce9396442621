"""The key of token digests and of sealed calls: one private file in the data folder, made when it is first needed."""

from __future__ import annotations

from pathlib import Path

from dure.engines.identity.private_key import private_key

FILE = "charging-tokens.key"


def token_key(folder: Path) -> bytes:
    """The key of a data folder; raises as `private_key.private_key`."""
    return private_key(folder / FILE)
