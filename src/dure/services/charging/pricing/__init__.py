"""Dated tariffs, prices of sessions, rules of the place, receipts and settlement."""
