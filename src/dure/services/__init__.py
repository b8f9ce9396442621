"""The city's services, all of one shape; none imports another."""
