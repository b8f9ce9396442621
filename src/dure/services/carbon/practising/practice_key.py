"""The secret that partners' keys and places' codes follow from: one private file in the data folder, made when first needed."""

from __future__ import annotations

from pathlib import Path

from dure.engines.identity.private_key import private_key

FILE = "carbon-practice.key"


def practice_key(folder: Path) -> bytes:
    """The secret of a data folder; raises as `private_key.private_key`."""
    return private_key(folder / FILE)
