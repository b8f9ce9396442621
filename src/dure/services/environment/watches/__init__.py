"""Shells: what is looked at again and again, and told."""
