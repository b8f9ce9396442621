"""Dure (두레) runs a city's carbon-neutral smart services: sense, decide, act, account."""

__version__ = "0.1.0"
