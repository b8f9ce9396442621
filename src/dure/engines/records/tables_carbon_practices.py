"""Practices: people's commitments, proofs, decisions, groups and challenges."""

from __future__ import annotations
