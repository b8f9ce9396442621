"""Any figure, unfolded to the readings it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter

if TYPE_CHECKING:
    from dure.spine.house import House


def routes(house: House) -> APIRouter:  # noqa: ARG001  # to be filled
    """Routes of this part."""
    return APIRouter()
