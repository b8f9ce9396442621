"""The tables of the origin ledger: entries, lots, interval balances."""

from __future__ import annotations
