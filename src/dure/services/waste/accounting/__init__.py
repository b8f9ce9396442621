"""What a day of collection cost, what the frozen baseline would have cost on the same fill history, and what was saved."""
