"""Companies and their activity data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from dure.spine.house import House


def routes(house: House) -> APIRouter:  # noqa: ARG001  # all parts are called alike
    """The routes of this part."""
    return APIRouter()
