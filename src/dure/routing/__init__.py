"""Roads and routes: travel matrices, feasible and explainable rounds of vehicles, and the checker that passes them.

For every service that sends somebody round: collection, work orders, inspections. Pure: it reads no file, and no clock but
the processor seconds of its own thread (`stopping`).
"""
