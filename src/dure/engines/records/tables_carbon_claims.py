"""Claims, the events they came from, the verification queue."""

from __future__ import annotations
