"""Intervals on the books: what passed a meter, hour by hour, with what it rests on; corrected by further rows, never changed."""
