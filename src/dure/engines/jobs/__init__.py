"""Heavy work: a pure function's name and its values, in a process pool or over the bus."""
