"""Corrections of raw values with a lineage; raw never changes."""
