"""Labels with the QR code of a place to charge, in sheets of 3 by 8. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import segno

if TYPE_CHECKING:
    from dure.core.text import Language
    from dure.services.charging.model import Evse, Site
    from dure.services.charging.publishing.standing import SiteStanding

SHEET_N = 24


class QrLabel(NamedTuple):
    """A label: what it leads to, as text and as SVG."""

    site: Site
    evse: Evse
    address: str
    svg: str


def address_of(public_url: str, evse_id: str) -> str:
    """The address of the driver's page of an EVSE; short, so that its code stays coarse enough for an old phone."""
    return f"{public_url.rstrip('/')}/ko/charging/evse/{evse_id}"


def labels_of(found: Iterable[SiteStanding], public_url: str, language: Language) -> list[list[QrLabel]]:
    """Sheets of labels of all places to charge."""
    labels = []
    for one in found:
        for each in one.evses:
            address = address_of(public_url, each.evse.id)
            labels.append(QrLabel(one.site, each.evse, address, _svg(address, each.evse.name(language))))
    return [labels[first : first + SHEET_N] for first in range(0, len(labels), SHEET_N)]


def _svg(text: str, title: str) -> str:
    code = segno.make(text, error="q", micro=False)  # a sticker outdoors: a quarter of it may be lost
    svg: str = code.svg_inline(scale=1, border=4, omitsize=True, title=title, svgclass="qr", lineclass="qr-line")
    return svg
