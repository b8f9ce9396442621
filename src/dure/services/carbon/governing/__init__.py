"""The city's programmes and budgets, inventory by district, the public board."""
