"""Hours, indices and grades by dated rules, and what they mean for people."""
