"""Waste that is found: detectors over the hours of a meter, what each finding is worth, and its ticket until it is over."""
