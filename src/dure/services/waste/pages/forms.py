"""Forms with a photo: the fields of one that our own page sent, the photo cleaned and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dure.core.errors import InputError
from dure.engines.blobs.bus import BusBlobs
from dure.services.waste.driving import photos
from dure.web.security import own_form_with_file

if TYPE_CHECKING:
    from starlette.requests import Request

    from dure.engines.blobs.port import Blobs
    from dure.spine.house import House


async def blobs_of(house: House) -> Blobs:
    """Where photos are kept."""
    return await BusBlobs.open(house.bus)


async def form_with_photo(request: Request, house: House) -> tuple[dict[str, str], str, InputError | None]:
    """The fields, the name of the kept photo or nothing, and why a photo that was sent could not be kept."""
    fields, data = await own_form_with_file(request, "photo", photos.PHOTO_BYTES_MAX)
    if not data:
        return fields, "", None
    try:
        return fields, await photos.keep(await blobs_of(house), data), None
    except InputError as error:
        return fields, "", error
