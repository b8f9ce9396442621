"""From a map to a matrix, as ``make bench NAME=roads``: see `waste_roads_part`."""

from __future__ import annotations

import argparse

from report import tell, write
from waste_roads_part import road_rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small town and 100 places, nothing kept")
    options = parser.parse_args()
    (tell if options.quick else write)("roads", road_rows(quick=options.quick))


if __name__ == "__main__":
    main()
