"""What is wrong with a station: units, places, clocks, doubled ids, drift; and the findings on record."""
