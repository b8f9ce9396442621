"""The urban environment: weather, air, water and noise, for the network keeper, the duty officer and the citizen."""
