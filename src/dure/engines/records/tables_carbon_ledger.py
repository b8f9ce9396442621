"""Accounts, transfers and what is taken."""

from __future__ import annotations
