"""The transparency log: staged entries, leaves, nodes, heads."""

from __future__ import annotations
