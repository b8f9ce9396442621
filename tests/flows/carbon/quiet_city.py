"""A city in which nothing of the services goes on by itself."""

from __future__ import annotations

from city_running import PeopledCity

from dure.running.parts import ALL


class QuietCity(PeopledCity):
    """A city whose services' rounds are called by hand."""

    parts = ALL - {"waste", "environment", "buildings", "charging", "carbon"}
