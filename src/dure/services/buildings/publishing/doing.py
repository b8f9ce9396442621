"""What is being done about a building, as far as the public is told: measures with their verdict, and how much is looked at."""

from __future__ import annotations
