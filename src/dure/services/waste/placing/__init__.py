"""Advice on bins: which to move, enlarge or take away, and where a sensor is worth its kilometres."""
