"""What bins send and are sent: distances to fill levels, makers' lists, commands and downlinks."""
