"""``python -m dure``."""

from dure.cli import main

main()
