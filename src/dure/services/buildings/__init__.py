"""Public buildings: every kWh, won and tonne, normalised, explained, open to look up.

For energy managers, caretakers, the officer who files, and the citizen who looks a building up.
"""
