"""Bills and interval files, read row by row: what is accepted, and every rejected row with its reason."""
