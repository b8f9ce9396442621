"""What is given out: workbooks for the authorities and reports, made of months and factors as known at an instant.

The same question with the same `as_of` gives the same bytes, whatever arrives later.
"""
