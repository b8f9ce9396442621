"""Accounts, transfers and what is taken."""

from __future__ import annotations

revision = "0020"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
