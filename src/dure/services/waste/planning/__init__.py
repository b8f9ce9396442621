"""Which bins today, by which truck, in which order, and why: select, route, check, edit, publish."""
