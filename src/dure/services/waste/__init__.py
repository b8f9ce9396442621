"""Smart waste collection: how full every bin is, which to empty today and in which order, what is broken, what was saved.

For dispatchers, drivers, maintenance crews, the city's officer and citizens.
"""
