"""The driver's shift: taps at bins, photos, the route as it stands, and its files."""
