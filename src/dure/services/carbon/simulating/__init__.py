"""People, companies and scales of the demo city: seeded, through the same desks and wires as real ones."""
