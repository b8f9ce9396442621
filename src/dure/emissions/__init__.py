"""Fuels, energy and what they emit: typed quantities, dated factors in two times, and why emissions changed.

Pure, and shared by all services that count carbon, so that a factor stands in one place only.
"""
