"""Devices in bulk: lists and labels."""
