"""A register in memory and a few properties."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from dure.core.properties import Properties, Property
from dure.core.text import Text
from dure.core.time import to_us

NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
NOW_US = to_us(NOW)


@dataclass
class Book:
    """Who sends for what, and from which sequence assets are live."""

    devices: dict[str, str] = field(default_factory=lambda: {"dev-1": "st-1", "dev-2": "st-2"})
    live_from: dict[str, int | None] = field(default_factory=lambda: {"st-1": 0, "st-2": 0, "st-1-mast": 0})
    parts: dict[str, str] = field(default_factory=lambda: {"st-1-mast": "st-1"})
    questions: int = 0
    new_devices: dict[str, int | None] = field(default_factory=dict)

    def may_write(self, device: str, asset: str) -> bool:
        self.questions += 1
        return device in self.devices and self.devices[device] in {asset, self.parts.get(asset)}

    def has_asset(self, asset: str) -> bool:
        return asset in self.live_from

    def asset_of(self, device: str) -> str | None:
        return self.devices.get(device)

    def live_from_seq(self, asset: str) -> int | None:
        return self.live_from[asset]

    def device_live_from_seq(self, device: str) -> int | None:
        return self.new_devices.get(device, 0)


def properties_of() -> Properties:
    return Properties(
        [
            Property(
                id="air_temperature", name=Text("기온"), unit="Cel", fail_min=-50, fail_max=60, suspect_min=-35, suspect_max=45
            ),
            Property(id="pm10", name=Text("미세먼지"), unit="ug/m3", fail_min=0, fail_max=5000),
        ]
    )
