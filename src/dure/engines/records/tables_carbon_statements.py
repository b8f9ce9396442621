"""Statements as issued."""

from __future__ import annotations
