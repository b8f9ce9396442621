"""Observations and their hourly and daily roll-ups: DuckDB on one machine, ClickHouse when it grows."""
