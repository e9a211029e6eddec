"""`python -m taskhand` is the command `taskhand`."""

from taskhand.cli import main

main()
