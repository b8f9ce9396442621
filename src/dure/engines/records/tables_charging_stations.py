"""The tables of chargers: what they are, the state of their EVSEs, calls, tokens, lists, reservations."""

from __future__ import annotations
