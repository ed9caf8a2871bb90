"""`python -m alongside.cli` is `alongside`."""

from alongside.cli import main

main()
