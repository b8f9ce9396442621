"""Charging sessions: from what stations say, offline and out of order, to Wh."""
