"""Budgets of programmes, inventory, boards."""

from __future__ import annotations
