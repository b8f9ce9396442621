"""Amounts of fuel and energy as typed quantities: what cannot be added, converted or multiplied is refused."""
