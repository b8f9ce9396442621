"""The tables of energy plans: plans in force, forecasts and their backtests, studies."""

from __future__ import annotations
