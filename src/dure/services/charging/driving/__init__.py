"""The driver at the charger: starting, watching and stopping from a phone, without an account."""
