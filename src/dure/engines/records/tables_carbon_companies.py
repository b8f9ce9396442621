"""Companies: people, activity data, targets, sponsorships."""

from __future__ import annotations
