"""Comparing buildings with their like, with the law and with what was promised: EUI, peers, grades, targets."""
