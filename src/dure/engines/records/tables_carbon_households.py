"""Households and their judged periods."""

from __future__ import annotations
