"""Fire, tilt and jam: to a person within seconds, acknowledged or escalated, never waiting for planning."""
