"""What each meter used in each local month, in two times: what it was for, and when it was known."""
