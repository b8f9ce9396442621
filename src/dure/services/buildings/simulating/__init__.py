"""simulating."""
