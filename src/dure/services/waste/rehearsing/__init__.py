"""Policies of collection replayed on a fill history or on a simulated city, before a won is spent."""
