"""Maps between stations by kriging, with their uncertainty."""
