"""The running cities of flows/city and flows/charging are those of all flows: the one place that puts them on the path."""

from __future__ import annotations

import sys
from pathlib import Path

for place in (str(Path(__file__).parent / name) for name in ("charging", "city")):
    if place not in sys.path:
        sys.path.insert(0, place)
