"""Faults of bins and their sensors, found from their readings and from what people saw."""
