"""Names of assets on pages: many at once, and one that the register has lost is said by its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.text import Text
from dure.engines.records import assets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from dure.core.assets import Asset


class Names:
    """Names by id."""

    def __init__(self, found: Mapping[str, Asset]) -> None:
        self._found = found

    def __call__(self, id_: str) -> Text:
        """The name; the id where there is none."""
        asset = self._found.get(id_)
        return asset.name if asset else Text(id_, id_)

    def address(self, id_: str) -> str:
        """Where it stands, in words, when the register has them."""
        asset = self._found.get(id_)
        return str(asset.attributes.get("address", "")) if asset else ""


def names_of(connection: Connection, ids: Iterable[str]) -> Names:
    """The names of these assets."""
    return Names(assets.find(connection, ids))
