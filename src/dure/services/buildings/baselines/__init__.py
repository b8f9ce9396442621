"""Baselines: the weather of a building, models of its meters, measures, and what they saved."""
