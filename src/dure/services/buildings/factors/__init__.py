"""Dated emission factors, emissions computed from them, and what changed between two periods."""
