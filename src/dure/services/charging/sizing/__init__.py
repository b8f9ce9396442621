"""How much sun, storage and contract a site should have: what could be saved, and what can be reached."""
