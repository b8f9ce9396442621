"""Checks of one series: streaming and batch quality control, silence, and what judges values before they are stored."""
