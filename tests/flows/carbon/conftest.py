"""The running cities of tests/flows/city and tests/flows/charging are ours too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / name) for name in ("city", "charging")]
