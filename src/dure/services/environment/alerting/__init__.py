"""Alerts with hysteresis, escalation, subscriptions and messages."""
