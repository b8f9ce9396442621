"""The tables of charging sessions: sessions, settlements, receipts."""

from __future__ import annotations
