"""A household's energy beside its own past, with the weather taken out, and what it earns."""
