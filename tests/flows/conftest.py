"""The running city of tests/flows/city is that of all flows: the one place that puts it on the path."""

from __future__ import annotations

import sys
from pathlib import Path

CITY = str(Path(__file__).parent / "city")
if CITY not in sys.path:
    sys.path.insert(0, CITY)
