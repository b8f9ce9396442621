"""Measurement & verification: what a building would have used, from temperature and time of week, and how sure that is."""
