"""What citizens report of bins, and what became of it."""
