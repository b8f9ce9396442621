"""The words of the house: assets, observations, events, quality, units, time, places, money and errors.

Pure: no module here reads a clock, a file or a socket. Every other package may import this one.
"""
