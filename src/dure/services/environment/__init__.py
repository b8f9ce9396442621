"""Environment: weather, air, river water and noise of the city.

For the environment officer who must trust a value before acting on it, the technician who looks for the faulty sensor,
and the citizen who wants one plain answer. It owns the kinds and properties of `model.py`, watches for stations that
fall silent, places stations given by name only, and brings a seeded simulator that speaks the real protocols.
"""
