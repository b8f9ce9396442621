"""Which emission factor a filing takes for what a meter booked."""
