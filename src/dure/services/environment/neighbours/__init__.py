"""Checks between stations: who stands near whom, and which value its neighbours do not bear out."""
