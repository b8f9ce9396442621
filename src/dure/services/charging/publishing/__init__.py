"""What everyone sees of charging: where a place is free, what it costs, where its energy comes from; open data."""
