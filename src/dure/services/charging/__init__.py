"""EV charging straight from the sun: a central system for chargers, the energy plan of each site, the origin of every Wh.

For station operators, drivers, city officers, and auditors of the renewable claim.
"""
